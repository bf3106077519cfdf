import type { LogRecord } from '@sever/event-log';

/** A record and the assignment it came with. */
export type Delivery = { record: LogRecord; epoch: number };

export type LaneOptions = {
  batchRecords: number;
  /** What of a batch still belongs to this consumer. */
  wanted: (delivery: Delivery) => boolean;
  /** Applies a batch in one transaction. */
  apply: (batch: readonly LogRecord[]) => Promise<void>;
  /** A batch was rolled back. @returns whether the lane goes on, from wherever the stored positions say */
  onFailed: (error: unknown, failures: number) => Promise<boolean>;
  /** The queue became shorter. */
  onTaken: () => void;
};

/** Partitions whose batches follow one another. Lanes run beside each other, since no two share a row. */
export class ConsumerLane {
  private queue: Delivery[] = [];
  private working: Promise<void> | undefined;
  private stopped = false;
  private lastProgress = Date.now();

  constructor(private readonly o: LaneOptions) {}

  get queued(): number {
    return this.queue.length;
  }

  push(deliveries: readonly Delivery[]): void {
    if (this.stopped) return;
    if (this.queue.length === 0) this.lastProgress = Date.now();
    this.queue.push(...deliveries);
    // In the next turn: records of other partitions of the same read join the batch.
    this.working ??= new Promise<void>(resolve => setImmediate(() => void this.work().finally(resolve)));
  }

  /** Forgets waiting records. */
  drop(gone: (delivery: Delivery) => boolean = () => true): void {
    this.queue = this.queue.filter(delivery => !gone(delivery));
  }

  /** Begins no further batch. */
  stop(): void {
    this.stopped = true;
    this.queue = [];
  }

  /** Resolves when no batch is in work. */
  async idle(): Promise<void> {
    await this.working;
  }

  /** How long nothing was finished although something waits, in milliseconds. */
  stuckMs(): number {
    const busy = this.queue.length > 0 || this.working !== undefined;
    return busy ? Date.now() - this.lastProgress : 0;
  }

  private async work(): Promise<void> {
    let failures = 0;
    while (this.queue.length > 0 && !this.stopped) {
      const batch = this.queue.splice(0, this.o.batchRecords).filter(this.o.wanted);
      try {
        if (batch.length > 0) await this.o.apply(batch.map(delivery => delivery.record));
        failures = 0;
        this.lastProgress = Date.now();
      } catch (error) {
        failures += 1;
        if (!(await this.o.onFailed(error, failures))) break;
      }
      this.o.onTaken();
    }
    this.working = undefined;
  }
}
