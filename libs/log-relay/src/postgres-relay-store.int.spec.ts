import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  PARTITIONS,
  partitionKey,
  partitionOf,
  type LogRecord,
  type Offsets,
  type RelayTarget,
} from '@sever/event-log';
import {
  createPostgresEventLogAdmin,
  createPostgresEventLogWriter,
  eventLogMigrations,
} from '@sever/event-log-postgres';
import { listen, rows } from '@sever/postgres';
import { createTestDatabase, type TestDatabase } from '@sever/postgres/testing';
import type { DataSource } from 'typeorm';
import { PostgresRelayStore } from './postgres-relay-store.js';
import type { ForwardedPartitions } from './relay-store.js';
import { relayBacklog } from './relay-backlog.js';
import { relayMigrations } from './relay-migrations.js';
import { RelayRunner } from './relay-runner.js';
import { Relay } from './relay.js';

const TARGET = 'cluster-1';
const LEASE_MS = 60_000;

async function eventually(what: string, probe: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await probe())) {
    if (Date.now() > deadline) throw new Error(`${what} did not happen`);
    await sleep(20);
  }
}

/** A target that keeps what it gets. */
class KeepingTarget implements RelayTarget {
  readonly records: LogRecord[] = [];
  isAway = false;
  identity = (): Promise<string> => Promise.resolve(TARGET);
  endOffsets = (topic: string) =>
    Promise.resolve(
      new Map(
        Array.from({ length: PARTITIONS }, (_, partition) => {
          const held = this.records.filter(r => r.topic === topic && r.partition === partition);
          return [partitionKey({ topic, partition }), BigInt(held.length)] as const;
        }),
      ),
    );
  send = async (batch: readonly LogRecord[]): Promise<Offsets> => {
    if (this.isAway) throw new Error('the target is away');
    this.records.push(...batch);
    const [requests, outcomes] = await Promise.all(['requests', 'outcomes'].map(this.endOffsets));
    return new Map([...(requests ?? []), ...(outcomes ?? [])]);
  };
}

const nextOf = (positions: ForwardedPartitions): Offsets =>
  new Map([...positions].map(([key, { next }]) => [key, next]));

describe('the relay on PostgreSQL', () => {
  let db: TestDatabase;
  let owner: DataSource;
  let relayUrl: string;
  let asRelay: DataSource;
  beforeAll(async () => {
    db = await createTestDatabase([...eventLogMigrations, ...relayMigrations]);
    owner = db.owner;
    relayUrl = await db.urlAs('sever_relay');
    asRelay = await db.open(relayUrl);
    await createPostgresEventLogAdmin(owner).ensureTopics(
      ['requests', 'outcomes'].map(topic => ({ topic, partitions: PARTITIONS })),
    );
  });
  afterAll(() => db.drop());
  beforeEach(async () => {
    await owner.query('update relay_lease set holder = null, expires_at = null, target = null');
    await owner.query('delete from relay_position');
  });

  const append = (topic: string, keys: readonly string[]) =>
    owner.transaction(em =>
      createPostgresEventLogWriter(owner).append(
        em,
        keys.map(key => {
          const eventId = randomUUID();
          const value = Buffer.from(JSON.stringify({ id: eventId, source: '/api' }));
          return { topic, key, eventId, type: 'sever.spec.happened.v1', headers: { ce_id: eventId }, value };
        }),
      ),
    );
  const store = (): PostgresRelayStore => new PostgresRelayStore(asRelay, { leaseMs: LEASE_MS });
  const present = async (s: PostgresRelayStore) => {
    let isConnected = false;
    const listener = listen({
      url: relayUrl,
      channels: ['sever_log'],
      applicationName: 'relay-presence',
      presence: s.presence,
      onWake: () => (isConnected = true),
    });
    await eventually('the presence connection', () => isConnected);
    return listener;
  };

  it('has a role that reads both topics and writes nothing but its own tables', async () => {
    await append('requests', ['acme:a']);
    await append('outcomes', ['acme:a']);
    for (const table of ['log_requests', 'log_outcomes', 'log_partition'])
      expect((await rows(asRelay, `select 1 as one from ${table} limit 1`)).length).toBe(1);
    const forbidden = [
      `select log_append(array['requests'], array[0], array[gen_random_uuid()], array['k'], array['t'], array['{}'], array[''::bytea])`,
      'update log_partition set next_offset = 0',
      `delete from log_record`,
      'delete from relay_position',
      'delete from relay_lease',
      'select * from consumer_offset',
    ];
    for (const sql of forbidden) await expect(asRelay.query(sql)).rejects.toMatchObject({ code: '42501' });
  });

  it('reads both topics in order from given positions, at most as much as asked for', async () => {
    await append(
      'requests',
      Array.from({ length: 30 }, (_, i) => `acme:${i % 3}`),
    );
    const s = store();
    const positions = nextOf(await s.positions(TARGET));
    const all = await s.read(positions, 1_000);
    const perPartition = new Map<string, bigint[]>();
    for (const r of all)
      perPartition.set(partitionKey(r), [...(perPartition.get(partitionKey(r)) ?? []), r.offset]);
    for (const offsets of perPartition.values()) expect(offsets).toEqual(offsets.map((_, i) => BigInt(i)));
    const [{ count }] = (await rows<{ count: string }>(owner, 'select count(*) from log_record')) as [
      { count: string },
    ];
    expect(all).toHaveLength(Number(count));
    expect((await s.read(positions, 10)).length).toBeLessThanOrEqual(10);
    const busy = partitionKey({ topic: 'requests', partition: partitionOf('acme:0') });
    const later = new Map(positions).set(busy, 4n);
    expect((await s.read(later, 1_000)).find(r => partitionKey(r) === busy)?.offset).toBe(4n);
  });

  describe('its lease', () => {
    it('is held by one relay, for as long as its process lives', async () => {
      const [first, second] = [store(), store()];
      const presence = await present(first);
      expect(await first.acquire()).toBeDefined();
      expect(await second.acquire()).toBeUndefined();
      await presence.close();
      await eventually('the take-over', async () => (await second.acquire()) !== undefined);
    });

    it('runs out when its holder is silent, also while the process is there', async () => {
      const [first, second] = [store(), store()];
      const presence = await present(first);
      const epoch = await first.acquire();
      await owner.query(`update relay_lease set expires_at = clock_timestamp() - interval '1 second'`);
      expect(await second.acquire()).toBe((epoch ?? 0n) + 1n);
      expect(await first.renew(epoch ?? 0n)).toBe(false);
      await presence.close();
    });

    it('lets only its epoch store positions', async () => {
      const [first, second] = [store(), store()];
      const old = (await first.acquire()) ?? 0n;
      const key = partitionKey({ topic: 'requests', partition: 0 });
      const at = (next: bigint): ForwardedPartitions => new Map([[key, { next, end: next + 2n }]]);
      expect(await first.store(old, TARGET, at(5n))).toBe(true);
      const current = (await second.acquire()) ?? 0n;
      expect(await first.store(old, TARGET, at(1n))).toBe(false);
      expect((await second.positions(TARGET)).get(key)).toEqual({ next: 5n, end: 7n });
      expect((await second.positions('another')).get(key)).toEqual({ next: 0n, end: 0n });
      await owner.query('update relay_position set target_end = null');
      expect((await second.positions(TARGET)).get(key)).toEqual({ next: 5n, end: 5n });
      expect(await second.store(current, TARGET, at(6n))).toBe(true);
    });

    it('is free at once when it is given back', async () => {
      const [first, second] = [store(), store()];
      const presence = await present(first);
      await first.release((await first.acquire()) ?? 0n);
      expect(await second.acquire()).toBeDefined();
      await presence.close();
    });
  });

  it('forwards everything that is appended meanwhile, through outages and a change of relays, without a gap', async () => {
    const target = new KeepingTarget();
    const errors: unknown[] = [];
    const running = async () => {
      const s = new PostgresRelayStore(asRelay, { leaseMs: 3_000 });
      const runner = new RelayRunner({
        ...{ relay: new Relay(s, target), store: s, leaseMs: 3_000, pollMs: 50 },
        onError: error => errors.push(error),
      });
      const presence = await present(s);
      runner.start();
      return {
        runner,
        stop: async () => {
          await runner.stop(5_000);
          await presence.close();
        },
      };
    };
    const first = await running();
    const second = await running();
    const writers = Array.from({ length: 4 }, async (_, w) => {
      for (let i = 0; i < 40; i += 1)
        await append(i % 2 ? 'outcomes' : 'requests', [`acme:${w}`, `acme:${i}`, `globex:${i % 7}`]);
    });
    target.isAway = true;
    await eventually('an error', () => errors.length > 1);
    await eventually('a backlog', async () => (await relayBacklog(owner)).oldestSeconds > 0);
    expect([first, second].some(r => r.runner.state().failingMs > 0)).toBe(true);
    target.isAway = false;
    await first.stop();
    await Promise.all(writers);
    await eventually('the end', async () => (await relayBacklog(owner)).records === 0);
    expect(second.runner.state()).toMatchObject({ active: true, failingMs: 0 });
    await second.stop();
    const log = await rows<{ id: string }>(
      owner,
      `select event_id::text as id from log_record order by topic, partition, "offset"`,
    );
    const last = new Map<string, bigint>();
    const seen = target.records.filter(r => {
      const isNew = r.logOffset > (last.get(partitionKey(r)) ?? -1n);
      if (isNew) last.set(partitionKey(r), r.logOffset);
      return isNew;
    });
    expect(seen.length).toBeGreaterThan(400);
    // Stable: within a partition the order is the target's own, and it is the log's.
    const byPartition = [...seen].sort((a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition);
    expect(byPartition.map(r => r.headers['ce_id'])).toEqual(log.map(r => r.id));
  });
});
