import {
  partitionKey,
  type EventLogConsumer,
  type LogRecord,
  type PartitionKey,
  type TopicPartition,
} from '@sever/event-log';
import { advanceConsumerOffsets, loadConsumerOffsets } from '@sever/event-log-postgres';
import type { DataSource, EntityManager } from 'typeorm';

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
  private queue: { record: LogRecord; epoch: number }[] = [];
  private readonly positions = new Map<PartitionKey, bigint>();
  private readonly epochs = new Map<PartitionKey, number>();
  private paused = false;
  private working: Promise<void> | undefined;
  private stopping = false;
  private lastProgress = Date.now();

  constructor(private readonly o: TransactionalConsumerOptions) {}

  start(): Promise<void> {
    return this.o.consumer.start({
      group: this.o.name,
      topics: this.o.topics,
      from: 'earliest',
      onAssigned: (tps, epoch) => this.assigned(tps, epoch),
      onRevoked: tps => this.revoked(tps),
      onRecords: (_tp, records, epoch) => this.received(records, epoch),
      onFatal: error => this.o.onFatal(error),
    });
  }

  /** Finishes the running batch and leaves. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.queue = [];
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
    const offsets = await loadConsumerOffsets(this.o.dataSource, this.o.name, tps);
    for (const [key, next] of offsets) {
      this.positions.set(key, next);
      this.epochs.set(key, epoch);
    }
    await this.o.consumer.seek(offsets);
  }

  private async revoked(tps: readonly TopicPartition[]): Promise<void> {
    const gone = new Set(tps.map(partitionKey));
    this.queue = this.queue.filter(q => !gone.has(partitionKey(q.record)));
    await this.working;
    for (const key of gone) this.positions.delete(key);
  }

  private received(records: readonly LogRecord[], epoch: number): void {
    if (this.stopping) return;
    if (this.queue.length === 0) this.lastProgress = Date.now();
    for (const record of records) this.queue.push({ record, epoch });
    if (this.queue.length > HIGH_WATER && !this.paused) {
      this.paused = true;
      this.o.consumer.pause(this.assignedPartitions(), 'backpressure');
    }
    // In the next turn: records of other partitions of the same read join the batch.
    this.working ??= new Promise<void>(resolve => setImmediate(() => void this.work().finally(resolve)));
  }

  private async work(): Promise<void> {
    let failures = 0;
    while (this.queue.length > 0 && !this.stopping) {
      const batch = this.takeBatch();
      if (batch.length === 0) continue;
      try {
        await this.apply(batch);
        failures = 0;
        this.lastProgress = Date.now();
        this.o.onCommitted?.(batch);
      } catch (error) {
        this.o.onRolledBack?.();
        if (this.o.isFatal(error)) {
          this.stopping = true;
          this.o.onFatal(error instanceof Error ? error : new Error(String(error)));
          break;
        }
        this.o.onError?.(error);
        failures += 1;
        await new Promise(resolve => setTimeout(resolve, Math.min(RETRY_MS_MAX, 100 * 2 ** failures)));
        await this.rewind();
      }
      this.relieve();
    }
    this.working = undefined;
  }

  private takeBatch(): LogRecord[] {
    const taken = this.queue.splice(0, this.o.batchRecords ?? 2_000);
    return taken
      .filter(
        q =>
          this.epochs.get(partitionKey(q.record)) === q.epoch && this.positions.has(partitionKey(q.record)),
      )
      .map(q => q.record);
  }

  private async apply(batch: readonly LogRecord[]): Promise<void> {
    const ends = new Map<PartitionKey, LogRecord>();
    for (const record of batch) ends.set(partitionKey(record), record);
    const moves = [...ends].map(([key, last]) => ({
      topic: last.topic,
      partition: last.partition,
      expected: this.positions.get(key) ?? 0n,
      next: last.offset + 1n,
      nextLogOffset: last.logOffset + 1n,
    }));
    await this.o.dataSource.transaction(async em => {
      await advanceConsumerOffsets(em, this.o.name, moves);
      await this.o.handleBatch(em, batch);
    });
    for (const move of moves) this.positions.set(partitionKey(move), move.next);
  }

  /** After a rollback everything is read again from the stored offsets. */
  private async rewind(): Promise<void> {
    const tps = this.assignedPartitions();
    this.queue = [];
    try {
      const offsets = await loadConsumerOffsets(this.o.dataSource, this.o.name, tps);
      this.queue = [];
      for (const [key, next] of offsets) this.positions.set(key, next);
      await this.o.consumer.seek(offsets);
    } catch (error) {
      this.o.onError?.(error);
      await new Promise(resolve => setTimeout(resolve, 500));
      if (!this.stopping) await this.rewind();
    }
  }

  private relieve(): void {
    if (!this.paused || this.queue.length > HIGH_WATER / 2) return;
    this.paused = false;
    this.o.consumer.resume(this.assignedPartitions(), 'backpressure');
  }

  private assignedPartitions(): TopicPartition[] {
    return [...this.positions.keys()].map(key => {
      const slash = key.lastIndexOf('/');
      return { topic: key.slice(0, slash), partition: Number(key.slice(slash + 1)) };
    });
  }
}
