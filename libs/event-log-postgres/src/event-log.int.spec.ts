import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import {
  PARTITIONS,
  partitionKey,
  partitionOf,
  type EventLogConsumer,
  type LogRecord,
  type NewRecord,
  type TopicPartition,
} from '@sever/event-log';
import { listen, rows } from '@sever/postgres';
import { createTestDatabase, type TestDatabase } from '@sever/postgres/testing';
import type { DataSource } from 'typeorm';
import {
  createPostgresEventLogAdmin,
  createPostgresEventLogConsumer,
  createPostgresEventLogWriter,
  eventLogMigrations,
} from './index.js';
import { presenceOf } from './consumer/group-membership.js';

const record = (key: string, over: Partial<NewRecord> & { source?: string } = {}): NewRecord => {
  const { source = '/api', ...rest } = over;
  const eventId = rest.eventId ?? randomUUID();
  return {
    topic: 'requests',
    key,
    eventId,
    type: 'sever.spec.happened.v1',
    headers: { ce_id: eventId },
    value: Buffer.from(JSON.stringify({ id: eventId, source })),
    ...rest,
  };
};

async function eventually(what: string, probe: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await probe())) {
    if (Date.now() > deadline) throw new Error(`${what} did not happen`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

describe('the log in PostgreSQL', () => {
  let db: TestDatabase;
  let owner: DataSource;
  beforeAll(async () => {
    db = await createTestDatabase(eventLogMigrations);
    owner = await db.open(db.url, { poolMax: 20 });
    await createPostgresEventLogAdmin(owner).ensureTopics(
      ['requests', 'outcomes'].map(topic => ({ topic, partitions: PARTITIONS })),
    );
  });
  afterAll(() => db.drop());

  const append = (on: DataSource, ...records: NewRecord[]) =>
    on.transaction(em => createPostgresEventLogWriter(on).append(em, records));

  describe('an append', () => {
    it('needs a transaction', async () => {
      await expect(
        createPostgresEventLogWriter(owner).append(owner.manager, [record('a:1')]),
      ).rejects.toMatchObject({ code: 'log.no-transaction' });
    });

    it('meets itself when it is repeated, and refuses other bytes under the same id', async () => {
      const first = record('a:repeat');
      const [a] = await append(owner, first);
      const [b, c] = await append(owner, first, first);
      expect([a?.duplicate, b?.duplicate, c?.duplicate]).toEqual([false, true, true]);
      expect([b?.logOffset, c?.logOffset]).toEqual([a?.logOffset, a?.logOffset]);
      const forged = { ...first, value: Buffer.from('{"other":1}') };
      await expect(append(owner, forged)).rejects.toMatchObject({ code: 'log.event-conflict' });
    });

    it('keeps every partition dense and ordered under concurrent transactions, rollbacks and repetitions', async () => {
      const repeated = Array.from({ length: 10 }, (_, i) => record(`d:${i}`));
      const jobs = Array.from({ length: 600 }, (_, i) => async () => {
        const batch = [
          record(`d:${i % 37}`),
          record(`d:${i % 11}`),
          ...(i % 5 === 0 ? [repeated[i % 10] ?? record('d:0')] : []),
        ];
        const undone = owner.transaction(async em => {
          await createPostgresEventLogWriter(owner).append(em, batch);
          if (i % 7 === 0) throw new Error('roll back');
        });
        await undone.catch((error: unknown) => {
          if (!(error instanceof Error && error.message === 'roll back')) throw error;
        });
      });
      await Promise.all(
        Array.from({ length: 16 }, async () => {
          for (let job = jobs.pop(); job; job = jobs.pop()) await job();
        }),
      );
      const gaps = await rows(
        owner,
        `select r.topic, r.partition from log_record r join log_partition p using (topic, partition)
          group by 1, 2, p.next_offset having count(*) <> p.next_offset or max(r."offset") <> p.next_offset - 1`,
      );
      expect(gaps).toEqual([]);
      expect(
        await rows(owner, 'select event_id from log_record group by topic, event_id having count(*) > 1'),
      ).toEqual([]);
    });

    it('refuses a partition count that differs from the stored one', async () => {
      await expect(
        createPostgresEventLogAdmin(owner).ensureTopics([{ topic: 'requests', partitions: 12 }]),
      ).rejects.toMatchObject({ code: 'log.partition-mismatch' });
    });
  });

  describe('rights', () => {
    it('let a connector write its own outcomes and nothing else', async () => {
      const connector = await db.open(await db.urlAsConnector('log-a'));
      const outcome = (source: string) => record('a:1', { topic: 'outcomes', source });
      await expect(append(connector, outcome('/connectors/log-a'))).resolves.toHaveLength(1);
      await expect(append(connector, outcome('/connectors/log-b'))).rejects.toMatchObject({
        code: 'log.forbidden',
      });
      await expect(append(connector, outcome('/coordinator'))).rejects.toMatchObject({
        code: 'log.forbidden',
      });
      await expect(append(connector, record('a:1', { source: '/connectors/log-a' }))).rejects.toMatchObject({
        code: 'log.forbidden',
      });
    });

    it('let a connector read requests and nothing else', async () => {
      const connector = await db.open(await db.urlAsConnector('log-a'));
      await append(owner, record('a:1'));
      expect((await rows(connector, 'select 1 as one from log_requests limit 1')).length).toBe(1);
      for (const table of ['log_outcomes', 'log_record'])
        await expect(rows(connector, `select 1 from ${table}`)).rejects.toMatchObject({ code: '42501' });
    });

    it('hide the groups of others from a connector', async () => {
      const connector = await db.open(await db.urlAsConnector('log-a'));
      await owner.query(
        `insert into log_group_member values ('connector-log-b', gen_random_uuid()), ('connector-log-a', gen_random_uuid())`,
      );
      expect(await rows(connector, 'select distinct group_name from log_group_member')).toEqual([
        { group_name: 'connector-log-a' },
      ]);
      await expect(
        rows(connector, `insert into log_group_member values ('coordinator', gen_random_uuid())`),
      ).rejects.toMatchObject({ code: '42501' });
    });

    it.each(['sever_ingress', 'sever_coordinator'] as const)(
      'let %s write requests only, through the function only',
      async group => {
        const app = await db.open(await db.urlAs(group));
        await expect(append(app, record('a:1'))).resolves.toHaveLength(1);
        await expect(append(app, record('a:1', { topic: 'outcomes' }))).rejects.toMatchObject({
          code: 'log.forbidden',
        });
        for (const sql of [
          'delete from log_record',
          `update log_record set key = 'x'`,
          'truncate log_record',
          `insert into log_requests select * from log_requests`,
        ])
          await expect(rows(app, sql)).rejects.toMatchObject({ code: '42501' });
      },
    );

    it('let the projector write nothing', async () => {
      const app = await db.open(await db.urlAs('sever_projector'));
      await expect(append(app, record('a:1'))).rejects.toMatchObject({ code: '42501' });
    });

    it('let nobody change what is written, not even the owner', async () => {
      for (const sql of [
        'delete from log_record',
        `update log_record set key = 'x'`,
        'truncate log_record',
        'truncate log_requests',
      ])
        await expect(rows(owner, sql)).rejects.toThrow(/append-only/);
    });
  });

  describe('a subscription', () => {
    let group: string;
    const consumers: EventLogConsumer[] = [];
    beforeEach(() => {
      group = `g-${randomUUID()}`;
    });
    afterAll(() => Promise.all(consumers.map(c => c.stop({ drainMs: 0 }))));

    type Seen = { records: LogRecord[]; assigned: Map<string, number>; consumer: EventLogConsumer };

    async function subscribe(
      o: Partial<Parameters<EventLogConsumer['start']>[0]> = {},
      timing: { heartbeatMs?: number; sessionTimeoutMs?: number } = {},
    ): Promise<Seen> {
      const consumer = createPostgresEventLogConsumer({
        dataSource: owner,
        listenUrl: db.url,
        applicationName: 'spec',
        pollMs: 200,
        heartbeatMs: 200,
        sessionTimeoutMs: 2_000,
        ...timing,
      });
      consumers.push(consumer);
      const seen: Seen = { records: [], assigned: new Map(), consumer };
      await consumer.start({
        group,
        topics: ['requests', 'outcomes'],
        from: 'committed',
        onAssigned: (tps, epoch) => tps.forEach(tp => seen.assigned.set(partitionKey(tp), epoch)),
        onRevoked: tps => tps.forEach(tp => seen.assigned.delete(partitionKey(tp))),
        onRecords: (_tp, records) => seen.records.push(...records),
        ...o,
      });
      return seen;
    }

    const place = (key: string): TopicPartition => ({ topic: 'requests', partition: partitionOf(key) });

    it('delivers in order per key, goes on after what was committed, and never moves a commit backwards', async () => {
      const key = `a:${randomUUID()}`;
      const sent = Array.from({ length: 50 }, () => record(key));
      for (const r of sent) await append(owner, r);
      const first = await subscribe();
      const mine = (s: Seen): string[] =>
        s.records.filter(r => r.key === key).map(r => r.headers.ce_id ?? '');
      await eventually('delivery', () => mine(first).length === sent.length);
      expect(mine(first)).toEqual(sent.map(r => r.eventId));
      const at = partitionKey(place(key));
      const epoch = first.assigned.get(at) ?? -1;
      const last = first.records.filter(r => r.key === key).at(-1);
      await first.consumer.commit(new Map([[at, (last?.offset ?? 0n) + 1n]]), epoch);
      await first.consumer.commit(new Map([[at, 1n]]), epoch);
      await first.consumer.commit(new Map([[at, (last?.offset ?? 0n) + 99n]]), epoch - 1);
      await first.consumer.stop({ drainMs: 0 });
      const more = record(key);
      await append(owner, more);
      const second = await subscribe();
      await eventually('delivery of the rest', () => mine(second).includes(more.eventId));
      expect(mine(second)).toEqual([more.eventId]);
    });

    it('shares the partitions, keeps both topics of a partition together, and takes over from a member that fell silent', async () => {
      const a = await subscribe();
      expect(a.assigned.size).toBe(2 * PARTITIONS);
      const b = await subscribe();
      await eventually('sharing', () => a.assigned.size === PARTITIONS && b.assigned.size === PARTITIONS);
      for (const key of a.assigned.keys())
        expect(
          a.assigned.has(
            key.replace(/^(requests|outcomes)/, t => (t === 'requests' ? 'outcomes' : 'requests')),
          ),
        ).toBe(true);
      await owner.query(
        `update log_group_member set heartbeat_at = heartbeat_at - interval '1 hour' where group_name = $1`,
        [group],
      );
      await eventually('recovery', () => a.assigned.size + b.assigned.size === 2 * PARTITIONS);
    });

    it('takes over from a member whose process died long before its session times out', async () => {
      const dead = randomUUID();
      await owner.query(
        `insert into log_group_member (group_name, member, heartbeat_at) values ($1, $2, clock_timestamp() - interval '6 seconds')`,
        [group, dead],
      );
      await owner.query(
        `insert into log_group_partition (group_name, topic, partition, owner)
         select $1, topic, partition, $2 from log_partition where topic in ('requests', 'outcomes')`,
        [group, dead],
      );
      const seen = await subscribe({}, { sessionTimeoutMs: 3_600_000 });
      await eventually('the take-over', () => seen.assigned.size === 2 * PARTITIONS);
    });

    it('leaves a silent member alone while its process is there, and takes over when it is not', async () => {
      const silent = randomUUID();
      const presence = presenceOf({ group, member: silent, topics: [], sessionTimeoutMs: 0 });
      let isListening = false;
      const process = listen({
        url: db.url,
        channels: [],
        applicationName: 'silent',
        presence,
        onWake: () => (isListening = true),
      });
      await eventually('presence', () => isListening);
      await owner.query(
        `insert into log_group_member (group_name, member, heartbeat_at) values ($1, $2, clock_timestamp() - interval '6 seconds')`,
        [group, silent],
      );
      const seen = await subscribe({}, { heartbeatMs: 100, sessionTimeoutMs: 3_600_000 });
      expect(seen.assigned.size).toBe(PARTITIONS);
      await process.close();
      await eventually('the take-over', () => seen.assigned.size === 2 * PARTITIONS);
    });

    it('pauses until every reason is taken back, and seeks', async () => {
      const key = `a:${randomUUID()}`;
      const seen = await subscribe();
      const tp = place(key);
      seen.consumer.pause([tp], 'breaker');
      seen.consumer.pause([tp], 'backpressure');
      seen.consumer.resume([tp], 'breaker');
      await append(owner, record(key));
      const other =
        Array.from({ length: 200 }, (_, i) => `b:${i}`).find(k => partitionOf(k) !== tp.partition) ?? '';
      const free = record(other);
      await append(owner, free);
      await eventually('delivery elsewhere', () => seen.records.some(r => r.headers.ce_id === free.eventId));
      expect(seen.records.some(r => r.key === key)).toBe(false);
      seen.consumer.resume([tp], 'backpressure');
      await eventually('delivery after the pause', () => seen.records.some(r => r.key === key));
      const before = seen.records.filter(r => r.partition === tp.partition && r.topic === 'requests').length;
      await seen.consumer.seek(new Map([[partitionKey(tp), 0n]]));
      await eventually(
        'delivery again',
        () =>
          seen.records.filter(r => r.partition === tp.partition && r.topic === 'requests').length >=
          2 * before,
      );
    });
  });
});
