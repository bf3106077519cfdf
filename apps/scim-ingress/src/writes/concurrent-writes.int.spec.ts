import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  createConnection,
  directoryMigrations,
  putInstance,
  bindInstance,
  ensureTenant,
} from '@sever/directory';
import { PARTITIONS } from '@sever/event-log';
import { createPostgresEventLogAdmin, eventLogMigrations } from '@sever/event-log-postgres';
import { rows } from '@sever/postgres';
import { createTestDatabase, type TestDatabase } from '@sever/postgres/testing';
import { DialectReading, dialectOf, type JsonObject } from '@sever/scim';
import { openKeyFolder, subjectKeyMigrations } from '@sever/subject-keys';
import { scratchKeyFolder } from '@sever/subject-keys/testing';
import { contextOn } from '../testing/context-on.js';
import type { Writer } from './user-request.js';
import { UserWrites } from './user-writes.js';

const PEOPLE = 25;

describe('two connections that say the same of one person at once', () => {
  let db: TestDatabase;
  let writes: UserWrites;
  let doors: Writer[];
  const keys = scratchKeyFolder();

  beforeAll(async () => {
    db = await createTestDatabase([...eventLogMigrations, ...subjectKeyMigrations, ...directoryMigrations]);
    await createPostgresEventLogAdmin(db.owner).ensureTopics([{ topic: 'requests', partitions: PARTITIONS }]);
    await ensureTenant(db.owner, 'acme');
    await putInstance(db.owner, { id: 'one', system: 'scripted', settings: {}, steps: [] });
    await bindInstance(db.owner, { tenant: 'acme', instance: 'one', match: { by: 'userName' } });
    doors = await Promise.all(
      ['first', 'second'].map(async id => {
        const { connection } = await createConnection(db.owner, { id, tenant: 'acme', dialect: 'strict' });
        return { connection, reading: new DialectReading(dialectOf('strict')) };
      }),
    );
    const dataSource = await db.open(await db.urlAs('sever_ingress'), { poolMax: 10 });
    writes = new UserWrites(
      contextOn(dataSource, openKeyFolder(keys.dir), { publicUrl: 'http://127.0.0.1', governor: null }),
    );
  }, 60_000);
  afterAll(async () => {
    await db.drop();
    keys.dispose();
  });

  const eventsOf = (subject: string): Promise<{ type: string }[]> =>
    rows(db.owner, `select type from log_record where key = $1 order by "offset"`, [`acme:${subject}`]);
  const person = async (n: number): Promise<{ ids: string[]; subject: string }> => {
    const made = [];
    for (const door of doors)
      made.push(await writes.create(door, { userName: `both.${n}@acme.example`, active: true }));
    expect(new Set(made.map(resource => resource.subject)).size).toBe(1);
    return { ids: made.map(resource => resource.id), subject: String(made[0]?.subject) };
  };
  const leaves = (before: JsonObject): JsonObject => ({ ...before, active: false });

  it('bring one person, whoever comes first', async () => {
    for (let n = 0; n < PEOPLE; n += 1) {
      const attributes = { userName: `new.${n}@acme.example`, active: true };
      const made = await Promise.all(doors.map(door => writes.create(door, { ...attributes })));
      expect(new Set(made.map(resource => resource.subject)).size).toBe(1);
      const told = await eventsOf(made[0]?.subject ?? '');
      expect(told.map(({ type }) => type)).toEqual([
        'sever.subject.registered.v1',
        'sever.subject.linked.v1',
      ]);
    }
  });

  it('ask for one opt-out, and both are askers', async () => {
    for (let n = 0; n < PEOPLE; n += 1) {
      const { ids, subject } = await person(n);
      await Promise.all(doors.map((door, i) => writes.update(door, String(ids[i]), {}, leaves)));
      const types = (await eventsOf(subject)).map(({ type }) => type).slice(2);
      expect(types).toEqual(['sever.optout.requested.v1', 'sever.optout.repeated.v1']);
      const standing = await rows<{ askers: { id: string }[] }>(
        db.owner,
        'select askers from standing_opt_out where subject = $1',
        [subject],
      );
      expect(standing.map(({ askers }) => askers.map(({ id }) => id).toSorted())).toEqual([
        ['first', 'second'],
      ]);
    }
  });

  it('are both answered when they delete', async () => {
    for (let n = 0; n < PEOPLE; n += 1) {
      const { ids, subject } = await person(PEOPLE + n);
      await Promise.all(doors.map((door, i) => writes.remove(door, String(ids[i]), {})));
      const types = (await eventsOf(subject)).map(({ type }) => type).slice(2);
      expect(types).toEqual(['sever.optout.requested.v1', 'sever.optout.repeated.v1']);
    }
  });

  it('lets one resource be switched off many times at once, and asks once', async () => {
    const { ids, subject } = await person(2 * PEOPLE);
    const [door] = doors;
    if (!door) throw new Error('no connection was made');
    await Promise.all(Array.from({ length: 20 }, () => writes.update(door, String(ids[0]), {}, leaves)));
    expect((await eventsOf(subject)).slice(2)).toEqual([{ type: 'sever.optout.requested.v1' }]);
  });
});
