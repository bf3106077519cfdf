import type { LogRecord, TopicPartition } from '@sever/event-log';
import type { ConsumerPosition } from '@sever/event-log-postgres';
import { PositionedQueue, type Batch, type Held } from './positioned-queue.js';

export type LaneOptions = {
  batchRecords: number;
  /** Applies a batch and moves its positions in one transaction. */
  apply: (batch: Batch) => Promise<void>;
  /** A batch is stored. */
  onCommitted: (records: readonly LogRecord[]) => void;
  /** A batch was rolled back. @returns whether the lane goes on, from wherever the stored positions say */
  onFailed: (error: unknown, failures: number) => Promise<boolean>;
  /** The queue became shorter. */
  onTaken: () => void;
};

/** Partitions whose batches follow one another. Lanes run beside each other, since no two share a row. */
export class ConsumerLane {
  readonly queue = new PositionedQueue();
  private working: Promise<void> | undefined;
  private applying: Promise<unknown> = Promise.resolve();
  private isStopped = false;
  private lastProgress = Date.now();

  constructor(private readonly o: LaneOptions) {}

  hold(tp: TopicPartition, epoch: number, stored: ConsumerPosition | undefined): Held {
    return this.queue.hold(tp, epoch, stored);
  }

  add(records: readonly LogRecord[], epoch: number): void {
    if (this.isStopped) return;
    if (this.queue.length === 0 && !this.working) this.lastProgress = Date.now();
    this.queue.add(records, epoch);
    // In the next turn: records of other partitions of the same read join the batch.
    this.working ??= new Promise<void>(resolve => setImmediate(() => void this.work().finally(resolve)));
  }

  /** Begins no further batch. */
  stop(): void {
    this.isStopped = true;
    this.queue.clear();
  }

  /** Resolves when the transaction that runs, if any, has ended; never rejects. */
  async settled(): Promise<void> {
    await this.applying.catch(() => undefined);
  }

  /** Resolves when the lane is at rest. */
  async idle(): Promise<void> {
    await this.working;
  }

  /** How long nothing was finished although something waits, in milliseconds. */
  stuckMs(): number {
    const isBusy = this.queue.length > 0 || this.working !== undefined;
    return isBusy ? Date.now() - this.lastProgress : 0;
  }

  private async work(): Promise<void> {
    let failures = 0;
    while (this.queue.length > 0 && !this.isStopped) {
      try {
        await this.applyNext();
        failures = 0;
      } catch (error) {
        failures += 1;
        if (!(await this.o.onFailed(error, failures))) break;
      }
      this.o.onTaken();
    }
    this.working = undefined;
  }

  private async applyNext(): Promise<void> {
    const batch = this.queue.take(this.o.batchRecords);
    if (batch.records.length === 0) return;
    const applying = this.o.apply(batch);
    this.applying = applying;
    await applying;
    this.queue.stored(batch.moves);
    this.lastProgress = Date.now();
    this.o.onCommitted(batch.records);
  }
}
