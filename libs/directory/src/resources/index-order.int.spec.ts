import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rows } from '@sever/postgres';
import { createTestDatabase, type TestDatabase } from '@sever/postgres/testing';
import { createConnection } from '../connections/connections.js';
import { directoryMigrations } from '../directory-migrations.js';

/** As many users as came in one import, and no statistics yet. */
describe('tables that were never analysed', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createTestDatabase(directoryMigrations);
    await createConnection(db.owner, { id: 'new', tenant: 'acme', dialect: 'strict' });
    await db.owner.query(
      `with people as (insert into subject (id, tenant, user_name_norm)
                         select gen_random_uuid(), 'acme', 'u' || n from generate_series(1, 3000) n returning id, user_name_norm as name)
       insert into scim_resource (connection, id, tenant, subject, attributes, user_name_norm, external_id, active)
       select 'new', gen_random_uuid(), 'acme', id, jsonb_build_object('userName', name), name, name, true from people`,
    );
    await db.owner.query(
      `insert into scim_group (connection, id, tenant, attributes, display_name_norm)
       select 'new', gen_random_uuid(), 'acme', '{}', 'g' || n from generate_series(1, 3000) n`,
    );
  });
  afterAll(() => db?.drop());

  const live = 'connection = $1 and deleted_at is null';
  it.each([
    ['a user by id', `scim_resource where ${live} and id = $2`, 'scim_resource_pkey'],
    [
      'a user by name',
      `scim_resource where ${live} and user_name_norm = $2::text`,
      'scim_resource_by(_tenant)?_name',
    ],
    [
      'a user by externalId',
      `scim_resource where ${live} and external_id = $2::text`,
      'scim_resource_by(_tenant)?_external_id',
    ],
    ['a group by id', `scim_group where ${live} and id = $2`, 'scim_group_pkey'],
    ['a group by name', `scim_group where ${live} and display_name_norm = $2::text`, 'scim_group_by_name'],
  ])('find %s by the index that is for it', async (_what, from, index) => {
    const id = '00000000-0000-4000-8000-000000000000';
    const plan = await rows<Record<string, string>>(db.owner, `explain select 1 from ${from}`, ['new', id]);
    expect(plan.map(line => Object.values(line).join()).join('\n')).toMatch(
      new RegExp(`(using|Scan on) ${index}\\b`),
    );
  });
});
