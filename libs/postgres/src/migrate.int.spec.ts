import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { migrate } from './migrate.js';
import { migration } from './migration.js';
import { roleMigrations } from './roles.js';
import { rows } from './sql.js';
import { createTestDatabase, type TestDatabase } from './testing/index.js';

const addThing = migration(1_790_000_900_000, 'Thing', [
  'create table thing (id int primary key)',
  'grant select on thing to sever_ingress',
]);

describe('migrations', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createTestDatabase([addThing]);
  });
  afterAll(() => db.drop());

  it('are applied once', async () => {
    expect(await migrate(db.url, [...roleMigrations, addThing])).toBe(0);
  });

  it('refuse a database that a newer version wrote', async () => {
    await expect(migrate(db.url, roleMigrations)).rejects.toMatchObject({ code: 'database.newer' });
  });

  it('give group roles what was granted and nothing else', async () => {
    const ingress = await db.open(await db.urlAs('sever_ingress'));
    expect(await rows(ingress, 'select * from thing')).toEqual([]);
    await expect(rows(ingress, 'insert into thing values (1)')).rejects.toMatchObject({ code: '42501' });
    await expect(rows(ingress, 'create table other ()')).rejects.toMatchObject({ code: '42501' });
  });

  it('know which connector instance is connected, and only for connector roles', async () => {
    const connector = await db.open(await db.urlAsConnector('scim-globex'));
    expect(await rows(connector, 'select sever_instance() as instance')).toEqual([
      { instance: 'scim-globex' },
    ]);
    expect(await rows(db.owner, 'select sever_instance() as instance')).toEqual([{ instance: null }]);
  });
});
