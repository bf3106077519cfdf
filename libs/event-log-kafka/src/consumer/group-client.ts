import type { LogRecord, TopicPartition } from '@sever/event-log';
import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import { fromMessage } from '../kafka-record.js';
import { coPartitionedAssigner } from './co-partitioned-assigner.js';
import { noteOf } from './commit-note.js';
import type { Move } from './held-partitions.js';
import type { ConsumerSettings } from './kafka-consumer-options.js';

/** What one fetch brought of one partition. */
export type FetchedBatch = {
  tp: TopicPartition;
  /** Where the fetch began. */
  from: bigint;
  /** The offset after the fetched part. */
  next: bigint;
  /** @throws EventLogError `log.unreadable` */
  records(): LogRecord[];
  /** What is not resolved is fetched again. */
  resolve(): void;
};

/** What the client tells. All are called at once, before it goes on, and must neither wait nor throw. */
export type GroupClientEvents = {
  onJoined: (partitions: readonly TopicPartition[]) => void;
  onRebalancing: () => void;
  onFetchEnded: () => void;
  onBatch: (batch: FetchedBatch) => void;
  onCrash: (error: Error) => void;
};

/**
 * The client counts failed attempts and forgets them only when it joins a group again: some broken connections in a year would
 * end it. Whether it makes progress is for `ProgressWatch` to judge. What it cannot recover from still ends it.
 */
const PATIENCE = {
  ...{ retries: Number.MAX_SAFE_INTEGER, initialRetryTime: 200, maxRetryTime: 2_000 },
  restartOnFailure: () => Promise.resolve(false),
};

/**
 * Membership in a group, with as little of the client as possible: no commit, position or pause of its own, no restart after a crash,
 * one fetch of every partition at a time. Pauses name partitions, never a topic: one of a topic would be undone by the next one of a partition.
 */
export class GroupClient {
  private readonly consumer: Consumer;
  private commitNow: EachBatchPayload['commitOffsetsIfNecessary'] | undefined;
  /** The client takes orders: between its start and its end. */
  private isRunning = false;

  constructor(
    kafka: Kafka,
    readonly groupId: string,
    o: ConsumerSettings,
    private readonly events: GroupClientEvents,
  ) {
    this.consumer = kafka.consumer({
      groupId,
      partitionAssigners: [coPartitionedAssigner],
      sessionTimeout: o.sessionTimeoutMs,
      heartbeatInterval: o.heartbeatMs,
      maxWaitTimeInMs: o.maxWaitMs,
      allowAutoTopicCreation: false,
      readUncommitted: false,
      retry: PATIENCE,
    });
    this.listen();
  }

  /** Joins; what is assigned comes through the events. */
  async start(topics: readonly string[]): Promise<void> {
    await this.consumer.connect();
    await this.consumer.subscribe({ topics: [...topics], fromBeginning: true });
    this.isRunning = true;
    await this.consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: 8,
      eachBatch: payload => Promise.resolve(this.fetched(payload)),
    });
  }

  pause(tps: readonly TopicPartition[]): void {
    if (this.isRunning && tps.length > 0) this.consumer.pause(explicit(tps));
  }

  resume(tps: readonly TopicPartition[]): void {
    if (this.isRunning && tps.length > 0) this.consumer.resume(explicit(tps));
  }

  seek(tp: TopicPartition, offset: bigint): void {
    if (this.isRunning) this.consumer.seek({ ...tp, offset: String(offset) });
  }

  /** Commits once, in the generation of now; the client's own commit would try again in the next one. */
  async commit(moves: readonly Move[]): Promise<void> {
    await this.commitNow?.({ topics: moves.map(toTopicOffset) });
  }

  /** Takes no orders from now on. */
  end(): void {
    this.isRunning = false;
  }

  disconnect(): Promise<void> {
    return this.consumer.disconnect();
  }

  private listen(): void {
    const { GROUP_JOIN, REBALANCING, CRASH, FETCH } = this.consumer.events;
    this.consumer.on(GROUP_JOIN, ({ payload }) => this.events.onJoined(assigned(payload.memberAssignment)));
    this.consumer.on(REBALANCING, () => this.events.onRebalancing());
    this.consumer.on(FETCH, () => this.events.onFetchEnded());
    this.consumer.on(CRASH, ({ payload }) => {
      this.isRunning = false;
      this.events.onCrash(payload.error);
    });
  }

  private fetched(payload: EachBatchPayload): void {
    const { batch } = payload;
    const tp = { topic: batch.topic, partition: batch.partition };
    this.commitNow = payload.commitOffsetsIfNecessary;
    if (payload.isStale()) return;
    this.events.onBatch({
      tp,
      from: fetchedFrom(batch),
      next: BigInt(batch.lastOffset()) + 1n,
      records: () => batch.messages.map(m => fromMessage(tp.topic, tp.partition, m)),
      resolve: () => payload.resolveOffset(batch.lastOffset()),
    });
  }
}

const explicit = (tps: readonly TopicPartition[]): { topic: string; partitions: number[] }[] =>
  tps.map(tp => ({ topic: tp.topic, partitions: [tp.partition] }));

const assigned = (assignment: Readonly<Record<string, number[]>>): TopicPartition[] =>
  Object.entries(assignment).flatMap(([topic, partitions]) =>
    partitions.map(partition => ({ topic, partition })),
  );

/** The client passes the note on; its types do not know of it. */
const toTopicOffset = ({ tp, offset, log }: Move) => ({
  topic: tp.topic,
  partitions: [
    {
      partition: tp.partition,
      offset: String(offset),
      ...(log !== undefined && { metadata: noteOf(log) }),
    },
  ],
});

/** Where a fetch began: known to the client's batch, missing in its types. */
function fetchedFrom(batch: EachBatchPayload['batch']): bigint {
  const { fetchedOffset } = batch as typeof batch & { fetchedOffset: string };
  return BigInt(fetchedOffset);
}
