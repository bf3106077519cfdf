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
import { ConsumerLane } from './consumer-lane.js';
import { startOf, type Batch } from './positioned-queue.js';

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
/**
 * Waiting records at which delivery is paused, and at which it goes on. A client of Kafka whose partitions are all paused looks
 * again after half a second: what waits at the lower mark must last for that long at full speed.
 */
const HIGH_WATER = 28_000;
const LOW_WATER = 20_000;
const BATCH = 2_000;

/**
 * Reads the log in batches, each applied in one transaction whose first statement moves the stored offsets: a batch is
 * applied exactly once, a zombie's transaction fails. Batches are as large as what waits, so that an idle reader adds no delay.
 */
export class TransactionalConsumer {
  private readonly lanes: readonly ConsumerLane[];
  /** What is assigned, also while its stored positions are still being read. */
  private readonly assignedIn = new Map<PartitionKey, { tp: TopicPartition; epoch: number }>();
  private paused = false;
  private readonly stopped = new AbortController();

  constructor(private readonly o: TransactionalConsumerOptions) {
    this.lanes = Array.from({ length: o.lanes ?? 1 }, () => this.makeLane());
  }

  start(): Promise<void> {
    return this.o.consumer.start({
      group: this.o.name,
      topics: this.o.topics,
      from: 'earliest',
      onAssigned: (tps, epoch) => this.assigned(tps, epoch),
      onRevoked: (tps, epoch) => this.revoked(tps, epoch),
      onRecords: (tp, records, epoch) => this.received(tp, records, epoch),
      onFatal: error => this.o.onFatal(error),
    });
  }

  /** Finishes the running batches and leaves. */
  async stop(): Promise<void> {
    this.halt();
    await Promise.all(this.lanes.map(lane => lane.idle()));
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

  private makeLane(): ConsumerLane {
    const lane: ConsumerLane = new ConsumerLane({
      batchRecords: this.o.batchRecords ?? BATCH,
      apply: batch => this.apply(batch),
      onCommitted: records => this.o.onCommitted?.(records),
      onFailed: (error, failures) => this.failed(lane, error, failures),
      onTaken: () => this.relieve(),
    });
    return lane;
  }

  private laneOf(tp: TopicPartition): ConsumerLane {
    const lane = this.lanes[tp.partition % this.lanes.length];
    if (!lane) throw new Error(`no lane for partition ${tp.partition}`);
    return lane;
  }

  private queued(): number {
    return this.lanes.reduce((sum, lane) => sum + lane.queue.length, 0);
  }

  private halt(): void {
    this.stopped.abort();
    for (const lane of this.lanes) lane.stop();
  }

  private async assigned(tps: readonly TopicPartition[], epoch: number): Promise<void> {
    for (const tp of tps) this.assignedIn.set(partitionKey(tp), { tp, epoch });
    if (this.paused) this.o.consumer.pause(tps, 'backpressure');
    const stored = await loadConsumerOffsets(this.o.dataSource, this.o.name, tps);
    const current = tps.filter(tp => this.assignedIn.get(partitionKey(tp))?.epoch === epoch);
    const starts = new Map<PartitionKey, bigint>();
    for (const tp of current) {
      const position = stored.get(partitionKey(tp));
      this.laneOf(tp).hold(tp, epoch, position);
      if (position) starts.set(partitionKey(tp), startOf(position));
    }
    await this.o.consumer.seek(starts);
  }

  /** Waits for the transactions that run, which may hold records of these partitions; what waits is dropped. */
  private async revoked(tps: readonly TopicPartition[], epoch: number): Promise<void> {
    for (const tp of tps) {
      this.laneOf(tp).queue.release(tp, epoch);
      if (this.assignedIn.get(partitionKey(tp))?.epoch === epoch) this.assignedIn.delete(partitionKey(tp));
    }
    await Promise.all(new Set(tps.map(tp => this.laneOf(tp).settled())));
  }

  private received(tp: TopicPartition, records: readonly LogRecord[], epoch: number): void {
    this.laneOf(tp).add(records, epoch);
    if (this.queued() <= HIGH_WATER || this.paused) return;
    this.paused = true;
    this.o.consumer.pause(this.assignedPartitions(), 'backpressure');
  }

  private async apply({ records, moves }: Batch): Promise<void> {
    await this.o.dataSource.transaction(async em => {
      await advanceConsumerOffsets(em, this.o.name, moves);
      await this.o.handleBatch(em, records);
    });
  }

  private async failed(lane: ConsumerLane, error: unknown, failures: number): Promise<boolean> {
    this.o.onRolledBack?.();
    if (this.isFatal(error)) {
      this.halt();
      this.o.onFatal(error instanceof Error ? error : new Error(String(error)));
      return false;
    }
    this.o.onError?.(error);
    await this.sleep(Math.min(RETRY_MS_MAX, 100 * 2 ** failures));
    await this.rewind(lane);
    return true;
  }

  private isFatal(error: unknown): boolean {
    return (error instanceof EventLogError && error.code === 'log.gap') || this.o.isFatal(error);
  }

  /** After a rollback everything the lane held then is read again from the stored positions; what was assigned meanwhile goes on. */
  private async rewind(lane: ConsumerLane): Promise<void> {
    const held = lane.queue.all();
    while (!this.stopped.signal.aborted) {
      try {
        const stored = await loadConsumerOffsets(
          this.o.dataSource,
          this.o.name,
          held.map(h => h.tp),
        );
        const from: Offsets = lane.queue.rewind(held, stored);
        return await this.o.consumer.seek(from);
      } catch (error) {
        this.o.onError?.(error);
        await this.sleep(500);
      }
    }
  }

  private relieve(): void {
    if (!this.paused || this.queued() > LOW_WATER) return;
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
