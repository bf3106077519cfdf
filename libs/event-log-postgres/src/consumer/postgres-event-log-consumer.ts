import { randomUUID } from 'node:crypto';
import {
  EventLogError,
  partitionKey,
  type ConsumerStart,
  type EventLogConsumer,
  type LogRecord,
  type Offsets,
  type TopicPartition,
} from '@sever/event-log';
import { listen, rows, type Listener } from '@sever/postgres';
import type { DataSource } from 'typeorm';
import { WAKE_CHANNEL } from '../postgres-event-log-writer.js';
import { Assignments, type Assigned } from './assignments.js';
import { countBehind, fetchRecords } from './fetch.js';
import {
  GROUP_CHANNEL,
  commitOffsets,
  exchange,
  leave,
  presenceOf,
  release,
  type Membership,
} from './group-membership.js';
import { Signal } from './signal.js';
import { startOffsets } from './start-offsets.js';

export type PostgresConsumerOptions = {
  dataSource: DataSource;
  /** Address for the LISTEN connection: a direct one, not a transaction pooler. */
  listenUrl: string;
  applicationName: string;
  /** Milliseconds between polls when no notification came. */
  pollMs?: number;
  /** Wait after a notification, in milliseconds: a reader that nobody waits for reads more at once and leaves the way free. */
  lingerMs?: number;
  heartbeatMs?: number;
  /** A member silent for longer loses its partitions, in milliseconds. */
  sessionTimeoutMs?: number;
  /** Most records of one topic per read, shared by the partitions that have news. */
  batchRecords?: number;
  onError?: (error: unknown) => void;
};

const IDLE_HEARTBEAT_MS = 1_000;

/** Subscription to the log in PostgreSQL. */
export function createPostgresEventLogConsumer(o: PostgresConsumerOptions): EventLogConsumer {
  return new PostgresEventLogConsumer(o);
}

class PostgresEventLogConsumer implements EventLogConsumer {
  private readonly assignments = new Assignments();
  private readonly news = new Signal();
  private readonly groupNews = new Signal();
  private readonly o: Required<PostgresConsumerOptions>;
  private membership: Membership | undefined;
  private start_: ConsumerStart | undefined;
  private listener: Listener | undefined;
  private epoch = 0;
  private stopping = false;
  private failed = false;
  private lastExchange = 0;
  private watch: NodeJS.Timeout | undefined;
  private loops: Promise<void>[] = [];

  constructor(o: PostgresConsumerOptions) {
    this.o = {
      pollMs: 1_000,
      lingerMs: 0,
      heartbeatMs: 3_000,
      sessionTimeoutMs: 45_000,
      batchRecords: 2_000,
      onError: () => undefined,
      ...o,
    };
  }

  async start(start: ConsumerStart): Promise<void> {
    if (this.start_) throw new EventLogError('log.already-started', 'a consumer starts once; make a new one');
    this.start_ = start;
    if (start.group)
      this.membership = {
        group: start.group,
        member: randomUUID(),
        topics: start.topics,
        sessionTimeoutMs: this.o.sessionTimeoutMs,
      };
    this.listener = listen({
      url: this.o.listenUrl,
      channels: [WAKE_CHANNEL, GROUP_CHANNEL],
      applicationName: this.o.applicationName,
      ...(this.membership && { presence: presenceOf(this.membership) }),
      onWake: (channel, payload) => this.woken(channel, payload),
      onError: this.o.onError,
    });
    try {
      await this.join(start);
    } catch (error) {
      await this.listener.close();
      throw error;
    }
    this.loops.push(this.fetchLoop());
  }

  private async join(start: ConsumerStart): Promise<void> {
    if (!this.membership) return this.assignAll(start.topics);
    await this.exchangeOnce();
    this.loops.push(this.groupLoop());
    this.watch = setInterval(
      () => void this.dropWhenSilent().catch(this.o.onError),
      Math.min(1_000, this.o.heartbeatMs),
    );
  }

  pause(partitions: readonly TopicPartition[], reason: string): void {
    this.assignments.pause(partitions, reason);
  }

  resume(partitions: readonly TopicPartition[], reason: string): void {
    this.assignments.resume(partitions, reason);
    this.news.raise();
  }

  seek(offsets: Offsets): Promise<void> {
    this.assignments.seek(offsets);
    this.news.raise();
    return Promise.resolve();
  }

  async commit(offsets: Offsets, epoch: number): Promise<void> {
    if (!this.membership) return;
    const moves = this.assignments
      .all()
      .filter(a => a.epoch === epoch && offsets.has(partitionKey(a.tp)))
      .map(a => ({ tp: a.tp, epoch: a.fence, next: offsets.get(partitionKey(a.tp)) ?? 0n }));
    await commitOffsets(this.o.dataSource, this.membership, moves);
  }

  async lag(): Promise<Offsets> {
    const behind = await countBehind(this.o.dataSource, this.assignments.all());
    return new Map(behind.map(({ tp, lag }) => [partitionKey(tp), lag]));
  }

  async stop({ drainMs }: { drainMs: number }): Promise<void> {
    if (this.stopping) return;
    this.stopping = true;
    clearInterval(this.watch);
    this.news.raise();
    this.groupNews.raise();
    await Promise.all(this.loops);
    await this.revoke(this.assignments.all(), drainMs);
    if (this.membership) await leave(this.o.dataSource, this.membership).catch(this.o.onError);
    await this.listener?.close();
  }

  private woken(channel: string | null, payload: string): void {
    if (channel !== GROUP_CHANNEL && this.concerns(payload)) this.news.raise();
    if (channel === null || (channel === GROUP_CHANNEL && payload === this.membership?.group))
      this.groupNews.raise();
  }

  private concerns(topics: string): boolean {
    return topics === '' || topics.split(' ').some(topic => this.start_?.topics.includes(topic));
  }

  private async fetchLoop(): Promise<void> {
    while (!this.stopping) {
      try {
        if (!(await this.fetchOnce())) await this.rest();
      } catch (error) {
        this.o.onError(error);
        await this.news.wait(this.o.pollMs);
      }
    }
  }

  private async rest(): Promise<void> {
    await this.news.wait(this.o.pollMs);
    if (this.o.lingerMs > 0 && !this.stopping)
      await new Promise(resolve => setTimeout(resolve, this.o.lingerMs));
  }

  /** @returns whether more is probably waiting */
  private async fetchOnce(): Promise<boolean> {
    this.news.lower();
    const asked = this.assignments.flowing();
    if (asked.length === 0 || this.failed) return false;
    const { records, more } = await fetchRecords(this.o.dataSource, asked, this.o.batchRecords);
    const groups = this.assignments.accept(records, asked);
    for (const { assigned, records: batch } of groups) if (!this.deliver(assigned, batch)) return false;
    return more;
  }

  /** A reader that throws may have lost the batch: going on would let later commits pass over it. */
  private deliver({ tp, epoch }: Assigned, batch: readonly LogRecord[]): boolean {
    if (this.failed) return false;
    try {
      this.start_?.onRecords(tp, batch, epoch);
      return true;
    } catch (error) {
      this.failed = true;
      const message = `the reader failed on records of ${partitionKey(tp)}; restart it from its last commit`;
      this.start_?.onFatal?.(new EventLogError('log.reader-failed', message, { cause: error }));
      return false;
    }
  }

  private async groupLoop(): Promise<void> {
    while (!this.stopping) {
      // Without a partition there is probably a dead predecessor: look more often for the moment at which it counts as dead.
      const isIdle = this.assignments.all().length === 0;
      await this.groupNews.wait(
        isIdle ? Math.min(IDLE_HEARTBEAT_MS, this.o.heartbeatMs) : this.o.heartbeatMs,
      );
      this.groupNews.lower();
      if (this.stopping) return;
      try {
        await this.exchangeOnce();
      } catch (error) {
        this.o.onError(error);
      }
    }
  }

  private async exchangeOnce(): Promise<void> {
    const m = this.membership;
    if (!m) return;
    const asked = performance.now();
    const view = await exchange(this.o.dataSource, m);
    this.lastExchange = asked;
    const lost = this.assignments.all().filter(a => view.owned.get(partitionKey(a.tp))?.epoch !== a.fence);
    await this.revoke(lost, 0);
    await this.handOver(view.toRelease);
    const releasing = new Set(view.toRelease.map(partitionKey));
    const fresh = [...view.owned.values()].filter(
      p => !this.assignments.get(p.tp) && !releasing.has(partitionKey(p.tp)),
    );
    if (fresh.length > 0)
      await this.assign(fresh.map(p => ({ tp: p.tp, fence: p.epoch, next: p.committed })));
  }

  private async assign(
    partitions: readonly { tp: TopicPartition; fence: bigint; next: bigint }[],
  ): Promise<void> {
    this.epoch += 1;
    const epoch = this.epoch;
    const from = this.start_ && (await startOffsets(this.o.dataSource, this.start_));
    for (const p of partitions) {
      this.assignments.add({
        ...p,
        epoch,
        next: p.next > 0n ? p.next : (from?.get(partitionKey(p.tp)) ?? p.next),
      });
    }
    const tps = partitions.map(p => p.tp);
    this.assignments.pause(tps, 'assigning');
    try {
      await this.start_?.onAssigned?.(tps, epoch);
      this.resume(tps, 'assigning');
    } catch (error) {
      this.assignments.remove(tps);
      if (!this.membership) throw error;
      // Still owned, but unknown here: the next exchange assigns them again.
      this.o.onError(error);
    }
  }

  private async assignAll(topics: readonly string[]): Promise<void> {
    const found = await rows<{ topic: string; partition: number }>(
      this.o.dataSource,
      'select topic, partition from log_partition where topic = any($1) order by 1, 2',
      [topics],
    );
    await this.assign(found.map(tp => ({ tp, fence: 0n, next: 0n })));
  }

  private async handOver(partitions: readonly TopicPartition[]): Promise<void> {
    const held = partitions.map(tp => this.assignments.get(tp)).filter(a => a !== undefined);
    await this.revoke(held, this.o.sessionTimeoutMs / 3);
    if (this.membership) await release(this.o.dataSource, this.membership, partitions);
  }

  /** Tells the reader to finish, then forgets the partitions. */
  private async revoke(partitions: readonly Assigned[], drainMs: number): Promise<void> {
    const held = partitions.filter(a => !a.releasing);
    for (const a of held) a.releasing = true;
    for (const epoch of new Set(held.map(a => a.epoch))) {
      const tps = held.filter(a => a.epoch === epoch).map(a => a.tp);
      const done = Promise.resolve(this.start_?.onRevoked?.(tps, epoch)).catch(this.o.onError);
      await Promise.race([done, new Promise(resolve => setTimeout(resolve, drainMs).unref())]);
    }
    this.assignments.remove(held.map(a => a.tp));
  }

  /** A member that could not reach the group for a whole session no longer owns anything, by its own clock. */
  private async dropWhenSilent(): Promise<void> {
    if (this.stopping || performance.now() - this.lastExchange < this.o.sessionTimeoutMs) return;
    await this.revoke(this.assignments.all(), 0);
  }
}
