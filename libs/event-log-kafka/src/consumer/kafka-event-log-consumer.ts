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
import type { Kafka } from 'kafkajs';
import { KafkaAdminSession } from '../kafka-admin-session.js';
import { createKafkaClient, unavailable } from '../kafka-client.js';
import { CommitQueue } from './commit-queue.js';
import { GroupClient, type FetchedBatch } from './group-client.js';
import { HeldPartitions, type Move } from './held-partitions.js';
import {
  consumerSettings,
  type ConsumerSettings,
  type KafkaConsumerOptions,
} from './kafka-consumer-options.js';
import { ProgressWatch } from './progress-watch.js';
import { Seeks } from './seeks.js';
import { startPositions, type StartPosition } from './start-positions.js';
import { within } from './within.js';

/** Subscription to the log on Kafka. */
export function createKafkaEventLogConsumer(o: KafkaConsumerOptions): EventLogConsumer {
  return new KafkaEventLogConsumer(o);
}

const RETRY_MS = 500;
const DISCONNECT_MS = 10_000;

/**
 * The client is used for as little as possible. Its batch handler only enqueues and never throws: waiting there would stall every
 * partition of a broker and the heartbeats, a throw would run other batches again. Positions, pauses, repetitions and what may
 * be committed are decided in {@link HeldPartitions}.
 */
class KafkaEventLogConsumer implements EventLogConsumer {
  private readonly o: ConsumerSettings;
  private readonly kafka: Kafka;
  private readonly session: KafkaAdminSession;
  private readonly held = new HeldPartitions();
  private readonly commits = new CommitQueue();
  private readonly seeks = new Seeks();
  private readonly watch: ProgressWatch;
  private readonly first = Promise.withResolvers<void>();
  private started: ConsumerStart | undefined;
  private client: GroupClient | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isOver = false;
  private stopping: Promise<void> | undefined;

  constructor(o: KafkaConsumerOptions) {
    this.o = consumerSettings(o);
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
    this.client = new GroupClient(this.kafka, start.group ?? `sever-reader-${randomUUID()}`, this.o, {
      onJoined: tps => this.joined(tps),
      onRebalancing: () => void this.revoke(),
      onFetchEnded: () => this.watch.fetched(),
      onBatch: batch => this.fetched(batch),
      onCrash: error => this.fail(unavailable('the client of Kafka gave up', error)),
    });
    try {
      await this.client.start(start.topics);
      await this.first.promise;
    } catch (error) {
      await this.stop({ drainMs: 0 });
      throw error instanceof EventLogError ? error : unavailable('Kafka cannot be read', error);
    }
    if (!this.stopping)
      this.timer = setInterval(() => void this.checkProgress(), Math.max(1_000, this.o.stallMs / 10));
  }

  pause(partitions: readonly TopicPartition[], reason: string): void {
    this.client?.pause(this.held.pause(partitions, reason));
  }

  resume(partitions: readonly TopicPartition[], reason: string): void {
    this.client?.resume(this.held.resume(partitions, reason));
  }

  /** At most to the end: beyond it the client would go to the beginning and commit that. The reader drops what it knows. */
  async seek(offsets: Offsets): Promise<void> {
    const tps = this.held.among(offsets.keys());
    if (tps.length === 0) return;
    const { epoch } = this.held;
    const isLast = this.seeks.begin(tps);
    this.pause(tps, 'seeking');
    const ends = await this.ends();
    const last = tps.filter(isLast);
    if (this.held.epoch !== epoch || last.length === 0) return;
    const to = new Map(last.map(tp => [partitionKey(tp), atMost(offsets, ends, partitionKey(tp))]));
    for (const { tp, offset } of this.held.seek(to)) this.client?.seek(tp, offset);
    this.resume(last, 'seeking');
  }

  commit(offsets: Offsets, epoch: number): Promise<void> {
    const { client } = this;
    if (!client || !this.started?.group) return Promise.resolve();
    return this.commits.run(() => {
      const moves = this.held.moves(offsets, epoch);
      if (moves.length === 0) return undefined;
      return client.commit(moves).then(() => {
        if (epoch === this.held.epoch) this.held.knowCommitted(toOffsets(moves));
      });
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

  /** A join is a new epoch for everything: the client begins again at what is committed. */
  private joined(tps: readonly TopicPartition[]): void {
    void this.revoke();
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
        const positions = await startPositions(this.session, start, tps);
        if (!isCurrent()) return;
        this.placeAt(positions);
        this.resume(tps, 'seeking');
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

  private placeAt(positions: ReadonlyMap<PartitionKey, StartPosition>): void {
    for (const tp of this.held.among(positions.keys())) {
      const position = positions.get(partitionKey(tp));
      if (!position) continue;
      this.held.place(tp, position);
      this.client?.seek(tp, position.offset);
    }
  }

  /** Only enqueues. What is not resolved is fetched again. */
  private fetched({ tp, from, next, records, resolve }: FetchedBatch): void {
    if (this.isOver || this.stopping || !this.held.isFlowing || this.held.isPaused(tp)) return;
    try {
      const fresh = this.held.accept(tp, { from, next, records: records() });
      if (fresh === 'stray') return this.client?.seek(tp, this.held.position(tp) ?? 0n);
      resolve();
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
    this.client?.end();
    this.first.resolve();
    await within(DISCONNECT_MS, this.client?.disconnect().catch(this.o.onError));
    if (this.client && !this.started?.group)
      await this.session.deleteGroup(this.client.groupId).catch(this.o.onError);
    await this.session.close();
  }
}

const toOffsets = (moves: readonly Move[]): Offsets =>
  new Map<PartitionKey, bigint>(moves.map(m => [partitionKey(m.tp), m.offset]));

function atMost(wanted: Offsets, ends: Offsets, key: PartitionKey): bigint {
  const [offset, end] = [wanted.get(key) ?? 0n, ends.get(key)];
  return end !== undefined && offset > end ? end : offset;
}
