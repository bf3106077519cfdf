import { setTimeout as wait } from 'node:timers/promises';
import {
  EventLogError,
  partitionKey,
  type EventLogConsumer,
  type LogRecord,
  type Offsets,
  type PartitionKey,
  type TopicPartition,
} from '@sever/event-log';
import { advanceConsumerOffsets, loadConsumerOffsets } from '@sever/event-log-postgres';
import type { DataSource, EntityManager } from 'typeorm';
import { PositionedQueue, startOf, type Batch } from './positioned-queue.js';

export type TransactionalConsumerOptions = {
  /** Name of the consumer: its group and its rows in `consumer_offset`. */
  name: string;
  topics: readonly string[];
  consumer: EventLogConsumer;
  dataSource: DataSource;
  /** Applies a batch in the transaction that also moves the offsets. Records of one partition are in order. */
  handleBatch: (em: EntityManager, records: readonly LogRecord[]) => Promise<void>;
  /** After the commit of a batch. */
  onCommitted?: (records: readonly LogRecord[]) => void;
  /** A batch was rolled back: whatever `handleBatch` kept in memory is void. */
  onRolledBack?: () => void;
  /** Errors that a repetition cannot cure end the process. */
  isFatal: (error: unknown) => boolean;
  onFatal: (error: Error) => void;
  onError?: (error: unknown) => void;
  batchRecords?: number;
};

const RETRY_MS_MAX = 5_000;
const HIGH_WATER = 8_000;

/**
 * Reads the log in batches, each applied in one transaction whose first statement moves the stored offsets: a batch is
 * applied exactly once, a zombie's transaction fails. Batches are as large as what waits, so that an idle reader adds no delay.
 */
export class TransactionalConsumer {
  private readonly queue = new PositionedQueue();
  /** What is assigned, also while its stored positions are still being read. */
  private readonly assignedIn = new Map<PartitionKey, { tp: TopicPartition; epoch: number }>();
  private paused = false;
  private working: Promise<void> | undefined;
  private applying: Promise<unknown> = Promise.resolve();
  private readonly stopped = new AbortController();
  private lastProgress = Date.now();

  constructor(private readonly o: TransactionalConsumerOptions) {}

  start(): Promise<void> {
    return this.o.consumer.start({
      group: this.o.name,
      topics: this.o.topics,
      from: 'earliest',
      onAssigned: (tps, epoch) => this.assigned(tps, epoch),
      onRevoked: (tps, epoch) => this.revoked(tps, epoch),
      onRecords: (_tp, records, epoch) => this.received(records, epoch),
      onFatal: error => this.o.onFatal(error),
    });
  }

  /** Finishes the running batch and leaves. */
  async stop(): Promise<void> {
    this.stopped.abort();
    this.queue.clear();
    await this.working;
    await this.o.consumer.stop({ drainMs: 1_000 });
  }

  /** For liveness: what waits, and how long nothing was finished although something waits. */
  progress(): { queued: number; stuckMs: number } {
    const busy = this.queue.length > 0 || this.working !== undefined;
    return { queued: this.queue.length, stuckMs: busy ? Date.now() - this.lastProgress : 0 };
  }

  async lag(): Promise<number> {
    let total = 0n;
    for (const behind of (await this.o.consumer.lag()).values()) total += behind;
    return Number(total) + this.queue.length;
  }

  private async assigned(tps: readonly TopicPartition[], epoch: number): Promise<void> {
    for (const tp of tps) this.assignedIn.set(partitionKey(tp), { tp, epoch });
    if (this.paused) this.o.consumer.pause(tps, 'backpressure');
    const stored = await loadConsumerOffsets(this.o.dataSource, this.o.name, tps);
    const current = tps.filter(tp => this.assignedIn.get(partitionKey(tp))?.epoch === epoch);
    const starts = new Map<PartitionKey, bigint>();
    for (const tp of current) {
      const position = stored.get(partitionKey(tp));
      this.queue.hold(tp, epoch, position);
      if (position) starts.set(partitionKey(tp), startOf(position));
    }
    await this.o.consumer.seek(starts);
  }

  /** Waits for the transaction that runs, which may hold records of these partitions; what waits is dropped. */
  private async revoked(tps: readonly TopicPartition[], epoch: number): Promise<void> {
    for (const tp of tps) {
      this.queue.release(tp, epoch);
      if (this.assignedIn.get(partitionKey(tp))?.epoch === epoch) this.assignedIn.delete(partitionKey(tp));
    }
    await this.applying.catch(() => undefined);
  }

  private received(records: readonly LogRecord[], epoch: number): void {
    if (this.stopped.signal.aborted) return;
    if (this.queue.length === 0 && !this.working) this.lastProgress = Date.now();
    this.queue.add(records, epoch);
    if (this.queue.length > HIGH_WATER && !this.paused) {
      this.paused = true;
      this.o.consumer.pause(this.assignedPartitions(), 'backpressure');
    }
    // In the next turn: records of other partitions of the same read join the batch.
    this.working ??= new Promise<void>(resolve => setImmediate(() => void this.work().finally(resolve)));
  }

  private async work(): Promise<void> {
    let failures = 0;
    while (this.queue.length > 0 && !this.stopped.signal.aborted) {
      try {
        await this.applyNext();
        failures = 0;
      } catch (error) {
        this.o.onRolledBack?.();
        if (this.isFatal(error)) {
          this.end(error);
          break;
        }
        this.o.onError?.(error);
        failures += 1;
        await this.sleep(Math.min(RETRY_MS_MAX, 100 * 2 ** failures));
        await this.rewind();
      }
      this.relieve();
    }
    this.working = undefined;
  }

  private async applyNext(): Promise<void> {
    const batch = this.queue.take(this.o.batchRecords ?? 2_000);
    if (batch.records.length === 0) return;
    const applying = this.apply(batch);
    this.applying = applying;
    await applying;
    this.lastProgress = Date.now();
    this.o.onCommitted?.(batch.records);
  }

  private async apply({ records, moves }: Batch): Promise<void> {
    await this.o.dataSource.transaction(async em => {
      await advanceConsumerOffsets(em, this.o.name, moves);
      await this.o.handleBatch(em, records);
    });
    this.queue.stored(moves);
  }

  private isFatal(error: unknown): boolean {
    return (error instanceof EventLogError && error.code === 'log.gap') || this.o.isFatal(error);
  }

  private end(error: unknown): void {
    this.stopped.abort();
    this.o.onFatal(error instanceof Error ? error : new Error(String(error)));
  }

  /** After a rollback everything held then is read again from the stored positions; what was assigned meanwhile goes on. */
  private async rewind(): Promise<void> {
    const held = this.queue.all();
    while (!this.stopped.signal.aborted) {
      try {
        const stored = await loadConsumerOffsets(
          this.o.dataSource,
          this.o.name,
          held.map(h => h.tp),
        );
        const from: Offsets = this.queue.rewind(held, stored);
        return await this.o.consumer.seek(from);
      } catch (error) {
        this.o.onError?.(error);
        await this.sleep(500);
      }
    }
  }

  private relieve(): void {
    if (!this.paused || this.queue.length > HIGH_WATER / 2) return;
    this.paused = false;
    this.o.consumer.resume(this.assignedPartitions(), 'backpressure');
  }

  private assignedPartitions(): TopicPartition[] {
    return [...this.assignedIn.values()].map(a => a.tp);
  }

  private async sleep(ms: number): Promise<void> {
    await wait(ms, undefined, { signal: this.stopped.signal }).catch(() => undefined);
  }
}
