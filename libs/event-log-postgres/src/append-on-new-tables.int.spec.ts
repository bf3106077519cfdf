import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PARTITIONS, type NewRecord } from '@sever/event-log';
import { oneRow } from '@sever/postgres';
import { createTestDatabase, type TestDatabase } from '@sever/postgres/testing';
import { createPostgresEventLogAdmin, createPostgresEventLogWriter, eventLogMigrations } from './index.js';

const records = (count: number): NewRecord[] =>
  Array.from({ length: count }, () => ({
    topic: 'requests',
    key: `acme:${randomUUID()}`,
    eventId: randomUUID(),
    type: 'sever.subject.updated.v1',
    headers: {},
    value: Buffer.from('{"source":"/connections/entra"}'),
  }));

/** An installation that is a minute old: the server has not looked at the tables since they were empty, and took them for tiny then. */
describe('appends to a new log', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createTestDatabase(eventLogMigrations);
    await createPostgresEventLogAdmin(db.owner).ensureTopics([{ topic: 'requests', partitions: PARTITIONS }]);
    await db.owner.query('vacuum analyze log_requests');
  });
  afterAll(() => db.drop());

  it.each([1, 10])('never read all of it, %s at a time', async size => {
    const scans = async (): Promise<number> => {
      await db.owner.query('select pg_stat_force_next_flush()');
      const row = await oneRow<{ n: number }>(
        db.owner,
        `select seq_scan::int as n from pg_stat_user_tables where relname = 'log_requests'`,
      );
      return row?.n ?? -1;
    };
    const writer = createPostgresEventLogWriter(db.owner);
    const before = await scans();
    for (let i = 0; i < 300; i += size) await writer.commit([], records(size));
    expect(await scans()).toBe(before);
  });
});
