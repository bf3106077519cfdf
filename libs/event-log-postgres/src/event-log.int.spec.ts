import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PARTITIONS, type NewRecord } from '@sever/event-log';
import { specRecord } from '@sever/event-log/testing';
import { rows } from '@sever/postgres';
import { createTestDatabase, type TestDatabase } from '@sever/postgres/testing';
import type { DataSource } from 'typeorm';
import { createPostgresEventLogAdmin, createPostgresEventLogWriter, eventLogMigrations } from './index.js';

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
        createPostgresEventLogWriter(owner).append(owner.manager, [specRecord('a:1')]),
      ).rejects.toMatchObject({ code: 'log.no-transaction' });
    });

    it('meets itself when it is repeated, and refuses other bytes under the same id', async () => {
      const first = specRecord('a:repeat');
      const [a] = await append(owner, first);
      const [b, c] = await append(owner, first, first);
      expect([a?.duplicate, b?.duplicate, c?.duplicate]).toEqual([false, true, true]);
      expect([b?.logOffset, c?.logOffset]).toEqual([a?.logOffset, a?.logOffset]);
      const forged = { ...first, value: Buffer.from('{"other":1}') };
      await expect(append(owner, forged)).rejects.toMatchObject({ code: 'log.event-conflict' });
    });

    it('keeps every partition dense and ordered under concurrent transactions, rollbacks and repetitions', async () => {
      const repeated = Array.from({ length: 10 }, (_, i) => specRecord(`d:${i}`));
      const jobs = Array.from({ length: 600 }, (_, i) => async () => {
        const batch = [
          specRecord(`d:${i % 37}`),
          specRecord(`d:${i % 11}`),
          ...(i % 5 === 0 ? [repeated[i % 10] ?? specRecord('d:0')] : []),
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
      const outcome = (source: string) => specRecord('a:1', { topic: 'outcomes', source });
      await expect(append(connector, outcome('/connectors/log-a'))).resolves.toHaveLength(1);
      await expect(append(connector, outcome('/connectors/log-b'))).rejects.toMatchObject({
        code: 'log.forbidden',
      });
      await expect(append(connector, outcome('/coordinator'))).rejects.toMatchObject({
        code: 'log.forbidden',
      });
      await expect(
        append(connector, specRecord('a:1', { source: '/connectors/log-a' })),
      ).rejects.toMatchObject({
        code: 'log.forbidden',
      });
    });

    it('let a connector read requests and nothing else', async () => {
      const connector = await db.open(await db.urlAsConnector('log-a'));
      await append(owner, specRecord('a:1'));
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
        await expect(append(app, specRecord('a:1'))).resolves.toHaveLength(1);
        await expect(append(app, specRecord('a:1', { topic: 'outcomes' }))).rejects.toMatchObject({
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
      await expect(append(app, specRecord('a:1'))).rejects.toMatchObject({ code: '42501' });
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
});
