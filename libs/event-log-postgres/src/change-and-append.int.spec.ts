import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { PARTITIONS, type NewRecord } from '@sever/event-log';
import { migration, rows } from '@sever/postgres';
import { createTestDatabase, type TestDatabase } from '@sever/postgres/testing';
import {
  CHANGED,
  changeAndAppend,
  changeEachAndAppend,
  createPostgresEventLogAdmin,
  createPostgresEventLogWriter,
  eventLogMigrations,
} from './index.js';

const recordOf = (topic = 'requests'): NewRecord => ({
  topic,
  key: 'acme:one',
  eventId: randomUUID(),
  type: 'sever.subject.updated.v1',
  headers: {},
  value: Buffer.from('{"source":"/connections/entra"}'),
});

const raise = (version: number): { sql: string; parameters: unknown[] } => ({
  sql: 'update thing set version = version + 1 where id = $1 and version = $2 returning id, version',
  parameters: [1, version],
});

describe('a change and its event in one statement', () => {
  let db: TestDatabase;
  const versions = (): Promise<{ version: number }[]> => rows(db.owner, 'select version from thing');
  const copied = (): Promise<unknown[]> => rows(db.owner, 'select id, version from copied order by id');
  const logged = (): Promise<{ id: string }[]> =>
    rows(db.owner, 'select event_id as id from log_record order by "offset"');

  beforeAll(async () => {
    db = await createTestDatabase([
      ...eventLogMigrations,
      migration(1_790_000_099_000, 'Thing', [
        'create table thing (id int primary key, version int not null)',
        'create table copied (id int primary key, version int not null)',
      ]),
    ]);
    await createPostgresEventLogAdmin(db.owner).ensureTopics([{ topic: 'requests', partitions: PARTITIONS }]);
  });
  afterAll(() => db.drop());
  beforeEach(async () => {
    await db.owner.query('delete from thing');
    await db.owner.query('delete from copied');
    await db.owner.query('insert into thing values (1, 1)');
  });

  it('happen together', async () => {
    const before = await logged();
    const record = recordOf();
    expect(await changeAndAppend(db.owner, raise(1), [record])).toEqual({ id: 1, version: 2 });
    expect(await logged()).toEqual([...before, { id: record.eventId }]);
  });

  it('do not happen when nothing matches', async () => {
    const before = await logged();
    expect(await changeAndAppend(db.owner, raise(7), [recordOf()])).toBeUndefined();
    expect(await versions()).toEqual([{ version: 1 }]);
    expect(await logged()).toEqual(before);
  });

  it('happen once when many ask for the change of the same version', async () => {
    const before = await logged();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => changeAndAppend(db.owner, raise(1), [recordOf()])),
    );
    expect(answers.filter(Boolean)).toHaveLength(1);
    expect(await versions()).toEqual([{ version: 2 }]);
    expect(await logged()).toHaveLength(before.length + 1);
  });

  it('do not happen when the log refuses the event', async () => {
    await expect(changeAndAppend(db.owner, raise(1), [recordOf('nowhere')])).rejects.toMatchObject({
      code: 'log.unknown-topic',
    });
    const taken = recordOf();
    await changeAndAppend(db.owner, raise(1), [taken]);
    await expect(
      changeAndAppend(db.owner, raise(2), [{ ...taken, value: Buffer.from('{"source":"/other"}') }]),
    ).rejects.toMatchObject({ code: 'log.event-conflict' });
    expect(await versions()).toEqual([{ version: 2 }]);
  });

  it('happen together with further changes, which see the changed row', async () => {
    const copy = {
      sql: `insert into copied select id + version + $1, version from ${CHANGED}`,
      parameters: [100],
    };
    await changeAndAppend(db.owner, raise(7), [recordOf()], [copy]);
    expect(await copied()).toEqual([]);
    await changeAndAppend(db.owner, raise(1), [recordOf()], [copy]);
    expect(await copied()).toEqual([{ id: 103, version: 2 }]);
    await expect(changeAndAppend(db.owner, raise(2), [recordOf('nowhere')], [copy])).rejects.toMatchObject({
      code: 'log.unknown-topic',
    });
    expect(await copied()).toEqual([{ id: 103, version: 2 }]);
  });

  it('happen together when they are many, or not at all', async () => {
    const writer = createPostgresEventLogWriter(db.owner);
    const before = await logged();
    const changes = [
      { sql: 'update thing set version = $2 where id = $1', parameters: [1, 5] },
      { sql: 'insert into copied values ($1, $2)', parameters: [9, 9] },
    ];
    await expect(writer.commit(changes, [recordOf(), recordOf('nowhere')])).rejects.toMatchObject({
      code: 'log.unknown-topic',
    });
    expect(await versions()).toEqual([{ version: 1 }]);
    const told = [recordOf(), recordOf()];
    const appended = await writer.commit(changes, told);
    expect(appended.map(({ eventId, duplicate }) => ({ eventId, duplicate }))).toEqual(
      told.map(({ eventId }) => ({ eventId, duplicate: false })),
    );
    expect(await versions()).toEqual([{ version: 5 }]);
    expect(await copied()).toEqual([{ id: 9, version: 9 }]);
    expect(await logged()).toEqual([...before, ...told.map(({ eventId }) => ({ id: eventId }))]);
  });

  it('of several rows happen for those that match, in the order given, or not at all', async () => {
    await db.owner.query('insert into thing values (2, 1), (3, 9)');
    const before = await logged();
    const raiseEach = {
      sql: `update thing set version = version + 1 from unnest($1::int[]) with ordinality u(u_id, place)
             where id = u_id and version = $2 returning place::int - 1 as n, id, version`,
      parameters: [[3, 2, 1], 1],
    };
    const copy = { sql: `insert into copied select id, version + $1 from ${CHANGED}`, parameters: [10] };
    const told = [recordOf(), recordOf(), recordOf()];
    await expect(
      changeEachAndAppend(db.owner, raiseEach, [...told.slice(0, 2), recordOf('nowhere')], [copy]),
    ).rejects.toMatchObject({ code: 'log.unknown-topic' });
    expect([await versions(), await copied(), await logged()]).toMatchObject([{ length: 3 }, [], before]);
    const made = await changeEachAndAppend(db.owner, raiseEach, told, [copy]);
    expect(made.sort((a, b) => a.n - b.n)).toEqual([
      { n: 1, id: 2, version: 2 },
      { n: 2, id: 1, version: 2 },
    ]);
    expect(await copied()).toEqual([
      { id: 1, version: 12 },
      { id: 2, version: 12 },
    ]);
    expect(await logged()).toEqual([...before, ...told.slice(1).map(({ eventId }) => ({ id: eventId }))]);
    expect(await changeEachAndAppend(db.owner, raiseEach, told, [copy])).toEqual([]);
  });

  it('never wait for each other in two orders', async () => {
    const writer = createPostgresEventLogWriter(db.owner);
    const change = { sql: 'update thing set version = version + $2 where id = $1', parameters: [1, 1] };
    await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        i % 2 === 0
          ? writer.commit([change], [recordOf()])
          : db.owner.transaction(async em => {
              await em.query(change.sql, change.parameters);
              await writer.append(em, [recordOf()]);
            }),
      ),
    );
    expect(await versions()).toEqual([{ version: 41 }]);
  });
});
