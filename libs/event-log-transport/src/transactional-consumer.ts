import {
  partitionKey,
  type EventLogConsumer,
  type LogRecord,
  type PartitionKey,
  type TopicPartition,
} from '@sever/event-log';
import { advanceConsumerOffsets, loadConsumerOffsets } from '@sever/event-log-postgres';
import type { DataSource, EntityManager } from 'typeorm';
import { ConsumerLane, type Delivery } from './consumer-lane.js';

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
  /**
   * How many batches are in work at once, 1 by default. Partition p of every topic belongs to lane p modulo this number: `handleBatch`
   * may touch only rows that follow from the records' keys.
   */
  lanes?: number;
};

const RETRY_MS_MAX = 5_000;
const HIGH_WATER = 8_000;
const BATCH = 2_000;

/**
 * Reads the log in batches, each applied in one transaction whose first statement moves the stored offsets: a batch is
 * applied exactly once, a zombie's transaction fails. Batches are as large as what waits, so that an idle reader adds no delay.
 */
export class TransactionalConsumer {
  private readonly lanes: readonly ConsumerLane[];
  private readonly positions = new Map<PartitionKey, bigint>();
  private readonly epochs = new Map<PartitionKey, number>();
  private paused = false;
  private stopping = false;

  constructor(private readonly o: TransactionalConsumerOptions) {
    this.lanes = Array.from({ length: o.lanes ?? 1 }, (_, lane) => this.makeLane(lane));
  }

  start(): Promise<void> {
    return this.o.consumer.start({
      group: this.o.name,
      topics: this.o.topics,
      from: 'earliest',
      onAssigned: (tps, epoch) => this.assigned(tps, epoch),
      onRevoked: tps => this.revoked(tps),
      onRecords: (tp, records, epoch) => this.received(tp, records, epoch),
      onFatal: error => this.o.onFatal(error),
    });
  }

  /** Finishes the running batches and leaves. */
  async stop(): Promise<void> {
    this.halt();
    await this.idle();
    await this.o.consumer.stop({ drainMs: 1_000 });
  }

  /** For liveness: what waits, and how long nothing was finished although something waits. */
  progress(): { queued: number; stuckMs: number } {
    return { queued: this.queued(), stuckMs: Math.max(...this.lanes.map(lane => lane.stuckMs())) };
  }

  async lag(): Promise<number> {
    let total = 0n;
    for (const behind of (await this.o.consumer.lag()).values()) total += behind;
    return Number(total) + this.queued();
  }

  private makeLane(lane: number): ConsumerLane {
    return new ConsumerLane({
      batchRecords: this.o.batchRecords ?? BATCH,
      wanted: delivery => this.isWanted(delivery),
      apply: batch => this.apply(batch),
      onFailed: (error, failures) => this.failed(lane, error, failures),
      onTaken: () => this.relieve(),
    });
  }

  private laneOf(partition: number): number {
    return partition % this.lanes.length;
  }

  private queued(): number {
    return this.lanes.reduce((sum, lane) => sum + lane.queued, 0);
  }

  private halt(): void {
    this.stopping = true;
    for (const lane of this.lanes) lane.stop();
  }

  private async idle(): Promise<void> {
    await Promise.all(this.lanes.map(lane => lane.idle()));
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
    for (const lane of this.lanes) lane.drop(({ record }) => gone.has(partitionKey(record)));
    await this.idle();
    for (const key of gone) this.positions.delete(key);
  }

  private received(tp: TopicPartition, records: readonly LogRecord[], epoch: number): void {
    this.lanes[this.laneOf(tp.partition)]?.push(records.map(record => ({ record, epoch })));
    if (this.queued() > HIGH_WATER && !this.paused) {
      this.paused = true;
      this.o.consumer.pause(this.assignedPartitions(), 'backpressure');
    }
  }

  private isWanted({ record, epoch }: Delivery): boolean {
    const key = partitionKey(record);
    return this.epochs.get(key) === epoch && this.positions.has(key);
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
    this.o.onCommitted?.(batch);
  }

  private async failed(lane: number, error: unknown, failures: number): Promise<boolean> {
    this.o.onRolledBack?.();
    if (this.o.isFatal(error)) {
      this.halt();
      this.o.onFatal(error instanceof Error ? error : new Error(String(error)));
      return false;
    }
    this.o.onError?.(error);
    await new Promise(resolve => setTimeout(resolve, Math.min(RETRY_MS_MAX, 100 * 2 ** failures)));
    await this.rewind(lane);
    return true;
  }

  /** After a rollback everything of the lane is read again from the stored offsets. */
  private async rewind(lane: number): Promise<void> {
    const tps = this.assignedPartitions().filter(tp => this.laneOf(tp.partition) === lane);
    this.lanes[lane]?.drop();
    try {
      const offsets = await loadConsumerOffsets(this.o.dataSource, this.o.name, tps);
      this.lanes[lane]?.drop();
      for (const [key, next] of offsets) this.positions.set(key, next);
      await this.o.consumer.seek(offsets);
    } catch (error) {
      this.o.onError?.(error);
      await new Promise(resolve => setTimeout(resolve, 500));
      if (!this.stopping) await this.rewind(lane);
    }
  }

  private relieve(): void {
    if (!this.paused || this.queued() > HIGH_WATER / 2) return;
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
