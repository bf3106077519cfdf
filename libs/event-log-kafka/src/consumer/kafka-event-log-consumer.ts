import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import {
  EventLogError,
  partitionKey,
  type ConsumerStart,
  type EventLogConsumer,
  type LogRecord,
  type Offsets,
  type PartitionKey,
  type TopicPartition,
} from '@sever/event-log';
import type { Consumer, EachBatchPayload, Kafka, KafkaConfig } from 'kafkajs';
import { KafkaAdminSession } from '../kafka-admin-session.js';
import { createKafkaClient, unavailable } from '../kafka-client.js';
import { fromMessage } from '../kafka-record.js';
import type { KafkaConnection } from '../kafka-settings.js';
import { coPartitionedAssigner } from './co-partitioned-assigner.js';
import { CommitQueue } from './commit-queue.js';
import { HeldPartitions } from './held-partitions.js';
import { ProgressWatch } from './progress-watch.js';
import { startPositions } from './start-positions.js';

export type KafkaConsumerOptions = {
  connection: KafkaConnection;
  /** Shown by the brokers. */
  clientId: string;
  /** A member silent for longer loses its partitions, in milliseconds; the brokers accept 6,000 and more. */
  sessionTimeoutMs?: number;
  heartbeatMs?: number;
  /** Longest wait of a fetch for news, and of a consumer whose partitions are all paused, in milliseconds. */
  maxWaitMs?: number;
  /** Without progress for longer the subscription ends (`log.stalled`), in milliseconds. */
  stallMs?: number;
  onError?: (error: unknown) => void;
  /** Opens connections; tests put a proxy between. */
  socketFactory?: KafkaConfig['socketFactory'];
};

/** Subscription to the log on Kafka. */
export function createKafkaEventLogConsumer(o: KafkaConsumerOptions): EventLogConsumer {
  return new KafkaEventLogConsumer(o);
}

const RETRY_MS = 500;
/**
 * The client counts failed attempts and forgets them only when it joins a group again: some broken connections in a year would
 * end it. Whether it makes progress is for {@link ProgressWatch} to judge. What it cannot recover from still ends it.
 */
const PATIENCE = {
  ...{ retries: Number.MAX_SAFE_INTEGER, initialRetryTime: 200, maxRetryTime: 2_000 },
  restartOnFailure: () => Promise.resolve(false),
};
const DISCONNECT_MS = 10_000;
type CommitNow = EachBatchPayload['commitOffsetsIfNecessary'];

/**
 * The client is used for as little as possible. Its batch handler only enqueues and never throws: waiting there would stall every
 * partition of a broker and the heartbeats, a throw would run other batches again. Positions, pauses, repetitions and what may
 * be committed are decided in {@link HeldPartitions}.
 */
class KafkaEventLogConsumer implements EventLogConsumer {
  private readonly o: Required<Omit<KafkaConsumerOptions, 'socketFactory'>>;
  private readonly kafka: Kafka;
  private readonly session: KafkaAdminSession;
  private readonly held = new HeldPartitions();
  private readonly commits = new CommitQueue();
  private readonly watch: ProgressWatch;
  private readonly first = Promise.withResolvers<void>();
  private started: ConsumerStart | undefined;
  private consumer: Consumer | undefined;
  private groupId = '';
  private commitNow: CommitNow | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** The client takes orders: between its start and its end. */
  private isRunning = false;
  private isOver = false;
  private stopping: Promise<void> | undefined;

  constructor(o: KafkaConsumerOptions) {
    this.o = {
      sessionTimeoutMs: 45_000,
      heartbeatMs: 3_000,
      maxWaitMs: 500,
      stallMs: 120_000,
      onError: () => undefined,
      ...o,
    };
    this.kafka = createKafkaClient(
      o.connection,
      o.clientId,
      o.socketFactory && { socketFactory: o.socketFactory },
    );
    this.session = new KafkaAdminSession(this.kafka);
    this.watch = new ProgressWatch(this.o.stallMs);
    // Whoever does not wait for the start must not be ended by its failure.
    this.first.promise.catch(() => undefined);
  }

  async start(start: ConsumerStart): Promise<void> {
    if (this.started)
      throw new EventLogError('log.already-started', 'a consumer starts once; make a new one');
    this.started = start;
    this.groupId = start.group ?? `sever-reader-${randomUUID()}`;
    const consumer = this.openConsumer();
    this.consumer = consumer;
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [...start.topics], fromBeginning: true });
      this.isRunning = true;
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: 8,
        eachBatch: payload => Promise.resolve(this.fetched(payload)),
      });
      await this.first.promise;
    } catch (error) {
      await this.stop({ drainMs: 0 });
      throw error instanceof EventLogError ? error : unavailable('Kafka cannot be read', error);
    }
    if (!this.stopping)
      this.timer = setInterval(() => void this.checkProgress(), Math.max(1_000, this.o.stallMs / 10));
  }

  pause(partitions: readonly TopicPartition[], reason: string): void {
    const newly = explicit(this.held.pause(partitions, reason));
    if (this.isRunning && newly.length > 0) this.consumer?.pause(newly);
  }

  resume(partitions: readonly TopicPartition[], reason: string): void {
    const again = explicit(this.held.resume(partitions, reason));
    if (this.isRunning && again.length > 0) this.consumer?.resume(again);
  }

  seek(offsets: Offsets): Promise<void> {
    for (const { tp, offset } of this.held.seek(offsets)) this.seekClient(tp, offset);
    return Promise.resolve();
  }

  commit(offsets: Offsets, epoch: number): Promise<void> {
    if (!this.started?.group) return Promise.resolve();
    return this.commits.run(() => {
      const moves = this.held.moves(offsets, epoch);
      if (moves.length === 0) return undefined;
      return this.commitNow?.({ topics: moves.map(topicOffset) }).then(() =>
        this.held.knowCommitted(epoch === this.held.epoch ? toOffsets(moves) : new Map()),
      );
    });
  }

  async lag(): Promise<Offsets> {
    const ends = await this.ends();
    return new Map(
      this.held.all().map(tp => {
        const behind = (ends.get(partitionKey(tp)) ?? 0n) - (this.held.position(tp) ?? 0n);
        return [partitionKey(tp), behind > 0n ? behind : 0n];
      }),
    );
  }

  stop({ drainMs }: { drainMs: number }): Promise<void> {
    this.stopping ??= this.leave(drainMs);
    return this.stopping;
  }

  private openConsumer(): Consumer {
    const consumer = this.kafka.consumer({
      groupId: this.groupId,
      partitionAssigners: [coPartitionedAssigner],
      sessionTimeout: this.o.sessionTimeoutMs,
      heartbeatInterval: this.o.heartbeatMs,
      maxWaitTimeInMs: this.o.maxWaitMs,
      allowAutoTopicCreation: false,
      readUncommitted: false,
      retry: PATIENCE,
    });
    const { GROUP_JOIN, REBALANCING, CRASH, FETCH } = consumer.events;
    // Listeners run at once, before the client goes on: what is paused here is not fetched.
    consumer.on(GROUP_JOIN, ({ payload }) => this.joined(payload.memberAssignment));
    consumer.on(REBALANCING, () => this.revoke());
    consumer.on(FETCH, () => this.watch.fetched());
    consumer.on(CRASH, ({ payload }) => {
      this.isRunning = false;
      this.fail(unavailable('the client of Kafka gave up', payload.error));
    });
    return consumer;
  }

  /** A join is a new epoch for everything: the client begins again at what is committed. */
  private joined(assignment: Readonly<Record<string, number[]>>): void {
    void this.revoke();
    const tps = Object.entries(assignment).flatMap(([topic, partitions]) =>
      partitions.map(partition => ({ topic, partition })),
    );
    const epoch = this.held.begin(tps);
    this.pause(tps, 'assigning');
    if (this.isOver || this.stopping) return;
    void this.prepare(tps, epoch);
  }

  /** Finds out where to begin, lets the reader prepare, and lets records flow. Tried again until it works or the epoch is over. */
  private async prepare(tps: readonly TopicPartition[], epoch: number): Promise<void> {
    const start = this.started;
    const isCurrent = (): boolean => this.held.epoch === epoch && !this.isOver && !this.stopping;
    while (start && isCurrent()) {
      try {
        const { committed, starts } = await startPositions(this.session, start, tps);
        if (!isCurrent()) return;
        this.held.knowCommitted(committed);
        await this.seek(starts);
        if (tps.length > 0) await start.onAssigned?.(tps, epoch);
        if (!isCurrent()) return;
        this.resume(tps, 'assigning');
        return this.first.resolve();
      } catch (error) {
        if (!isCurrent()) return;
        if (error instanceof EventLogError && error.code === 'log.position-lost') return this.fail(error);
        if (!start.group) return this.fail(error instanceof Error ? error : new Error(String(error)));
        this.o.onError(error);
        // The group may wait for long: starting does not.
        this.first.resolve();
        await wait(RETRY_MS);
      }
    }
  }

  /** Only enqueues. What is not resolved is fetched again. */
  private fetched(payload: EachBatchPayload): void {
    const { batch } = payload;
    const tp = { topic: batch.topic, partition: batch.partition };
    this.commitNow = payload.commitOffsetsIfNecessary;
    if (this.isOver || this.stopping || payload.isStale() || !this.held.isFlowing || this.held.isPaused(tp))
      return;
    try {
      const records = batch.messages.map(m => fromMessage(tp.topic, tp.partition, m));
      const next = BigInt(batch.lastOffset()) + 1n;
      const fresh = this.held.accept(tp, { from: fetchedFrom(batch), next, records });
      if (fresh === 'stray') return this.seekClient(tp, this.held.position(tp) ?? 0n);
      payload.resolveOffset(batch.lastOffset());
      if (fresh.length > 0) this.deliver(tp, fresh);
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  private deliver(tp: TopicPartition, records: readonly LogRecord[]): void {
    try {
      this.started?.onRecords(tp, records, this.held.epoch);
    } catch (error) {
      const message = `the reader failed on records of ${partitionKey(tp)}; restart it from its last commit`;
      throw new EventLogError('log.reader-failed', message, { cause: error });
    }
  }

  private seekClient(tp: TopicPartition, offset: bigint): void {
    if (this.isRunning) this.consumer?.seek({ ...tp, offset: String(offset) });
  }

  /** Tells the reader that the epoch ends. Commits made at once still count; the client says nothing before it has to. */
  private async revoke(): Promise<void> {
    if (!this.held.isFlowing) return;
    this.held.leave();
    const [tps, epoch] = [this.held.all(), this.held.epoch];
    try {
      await this.started?.onRevoked?.(tps, epoch);
    } catch (error) {
      this.o.onError(error);
    }
  }

  /** The process should end rather than limp: nothing more is delivered. */
  private fail(error: Error): void {
    if (this.isOver || this.stopping) return;
    this.isOver = true;
    this.pause(this.held.all(), 'failed');
    this.first.reject(error);
    this.started?.onFatal?.(error);
  }

  private async checkProgress(): Promise<void> {
    const silence = this.watch.silence();
    if (silence) return this.fail(silence);
    try {
      const ends = await this.ends();
      const flowing = this.held.isFlowing ? this.held.all().filter(tp => !this.held.isPaused(tp)) : [];
      const stalled = this.watch.check(
        flowing.map(tp => ({ tp, position: this.held.position(tp) })),
        ends,
      );
      if (stalled) this.fail(stalled);
    } catch (error) {
      this.o.onError(error);
    }
  }

  private async ends(): Promise<Offsets> {
    const topics = this.started?.topics ?? [];
    const all = await Promise.all(topics.map(topic => this.session.bounds(topic)));
    return new Map(all.flatMap(({ ends }) => [...ends]));
  }

  private async leave(drainMs: number): Promise<void> {
    clearInterval(this.timer);
    this.pause(this.held.all(), 'stopping');
    await within(drainMs, this.revoke());
    await within(drainMs, this.commits.idle());
    this.held.end();
    this.isRunning = false;
    this.first.resolve();
    await within(DISCONNECT_MS, this.consumer?.disconnect().catch(this.o.onError));
    if (this.started && !this.started.group)
      await this.session.deleteGroup(this.groupId).catch(this.o.onError);
    await this.session.close();
  }
}

/** Always partition by partition: a pause of a whole topic would be undone by the next one of a single partition. */
const explicit = (tps: readonly TopicPartition[]): { topic: string; partitions: number[] }[] =>
  tps.map(tp => ({ topic: tp.topic, partitions: [tp.partition] }));

type Move = { tp: TopicPartition; offset: bigint };
const topicOffset = ({ tp, offset }: Move) => ({
  topic: tp.topic,
  partitions: [{ partition: tp.partition, offset: String(offset) }],
});
const toOffsets = (moves: readonly Move[]): Offsets =>
  new Map<PartitionKey, bigint>(moves.map(m => [partitionKey(m.tp), m.offset]));

/** Where a fetch began: known to the client's batch, missing in its types. */
function fetchedFrom(batch: EachBatchPayload['batch']): bigint {
  const { fetchedOffset } = batch as typeof batch & { fetchedOffset: string };
  return BigInt(fetchedOffset);
}

async function within(ms: number, work: Promise<unknown> | undefined): Promise<void> {
  const gate = new AbortController();
  const late = wait(ms, undefined, { signal: gate.signal }).catch(() => undefined);
  await Promise.race([work, late]);
  gate.abort();
}
