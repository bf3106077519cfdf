import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  createConnection,
  createSubject,
  directoryMigrations,
  insertResource,
  queryResources,
  type StoredResource,
} from '@sever/directory';
import { rows } from '@sever/postgres';
import { createTestDatabase, type TestDatabase } from '@sever/postgres/testing';
import {
  DialectReading,
  ENTERPRISE_SCHEMA_ID,
  SqlParameters,
  USER,
  dialectOf,
  filterSql,
  matches,
  normaliseUserName,
  parseFilter,
  parseSort,
  sortResources,
  type JsonObject,
} from '@sever/scim';
import { storeOfUsers, userDocument } from './user-document.js';

const BASE = 'https://sever.example/scim/v2/idp';
const PEOPLE: JsonObject[] = [
  {
    userName: 'ÄNNE@x.example',
    externalId: 'E1',
    active: true,
    displayName: 'Änne',
    emails: [{ value: 'a@x.example', type: 'work' }],
  },
  { userName: 'bob@x.example', externalId: 'e1', active: false, [ENTERPRISE_SCHEMA_ID]: { department: 'd' } },
  { userName: 'cy@x.example', active: true, displayName: 'Änne', title: "o'clock" },
];

describe('a query for users', () => {
  let db: TestDatabase;
  const stored: StoredResource[] = [];
  beforeAll(async () => {
    db = await createTestDatabase(directoryMigrations);
    await createConnection(db.owner, { id: 'idp', tenant: 'acme', dialect: 'strict' });
    for (const attributes of PEOPLE) {
      const userNameNorm = normaliseUserName(String(attributes.userName));
      const { id: subject } = await createSubject(db.owner, 'acme', userNameNorm);
      stored.push(
        await insertResource(db.owner, {
          connection: 'idp',
          id: randomUUID(),
          tenant: 'acme',
          subject,
          attributes,
          userNameNorm,
          externalId: typeof attributes.externalId === 'string' ? attributes.externalId : null,
          active: attributes.active === true,
        }),
      );
    }
  });
  afterAll(() => db.drop());

  /** Enough people for the planner to look for an index. */
  beforeAll(async () => {
    await createConnection(db.owner, { id: 'many', tenant: 'acme', dialect: 'strict' });
    await db.owner.query(
      `insert into subject (id, tenant, user_name_norm) select gen_random_uuid(), 'acme', 'm' || n from generate_series(1, 3000) n`,
    );
    await db.owner.query(
      `insert into scim_resource (connection, id, tenant, subject, attributes, user_name_norm, external_id, active)
         select 'many', gen_random_uuid(), 'acme', id, jsonb_build_object('userName', user_name_norm, 'displayName', user_name_norm,
                  'emails', jsonb_build_array(jsonb_build_object('value', user_name_norm))), user_name_norm, user_name_norm, true
           from subject where user_name_norm like 'm%'`,
    );
    await db.owner.query('analyze scim_resource');
  });

  const ask = (filter: string | undefined, sortBy?: string, sortOrder?: string, offset = 0, limit = 100) =>
    queryResources(
      db.owner,
      'idp',
      {
        filter:
          filter === undefined
            ? undefined
            : parseFilter(filter, USER, new DialectReading(dialectOf('strict'))),
        sort: parseSort(sortBy, sortOrder, USER),
        window: { offset, limit },
      },
      storeOfUsers(BASE),
    );

  it.each([
    'userName eq "änne@X.EXAMPLE"',
    'externalId eq "e1"',
    'externalId pr',
    'active eq false',
    'not (active eq false)',
    'displayName eq "ÄNNE"',
    'emails[type eq "work"].value eq "A@x.example"',
    `schemas eq "${ENTERPRISE_SCHEMA_ID}"`,
    `schemas[value eq "${ENTERPRISE_SCHEMA_ID}"]`,
    'schemas eq "urn:none"',
    `${ENTERPRISE_SCHEMA_ID}:department eq "D"`,
    'meta pr',
    'meta.resourceType eq "User"',
    'meta.created gt "2015-10-10T14:38:21.8617979-07:00"',
    'meta.lastModified lt "2015-10-10T14:38:21Z"',
    'meta.version eq "W/\\"1\\""',
    `meta.location sw "${BASE}"`,
    `title eq "o'clock"`,
    'id pr',
  ])('with %s finds whom the documents match', async filter => {
    const parsed = parseFilter(filter, USER, new DialectReading(dialectOf('strict')));
    const expected = stored.filter(r => matches(parsed, userDocument(r, BASE))).map(r => r.id);
    const { total, items } = await ask(filter);
    expect(items.map(r => r.id)).toEqual(expected);
    expect(total).toBe(expected.length);
  });

  it('finds one by id and by the time it shows', async () => {
    const [one] = stored;
    if (!one) throw new Error('nobody is stored');
    expect((await ask(`id eq "${one.id}"`)).items.map(r => r.id)).toEqual([one.id]);
    expect((await ask(`id eq "${one.id.toUpperCase()}"`)).total).toBe(0);
    expect((await ask('id eq "no-uuid"')).total).toBe(0);
    expect((await ask(`meta.created le "${one.createdAt.toISOString()}"`)).items.map(r => r.id)).toContain(
      one.id,
    );
  });

  it.each(['userName', 'displayName', 'meta.created', 'emails.value', 'title', 'active', 'schemas'])(
    'sorts by %s as its documents do',
    async path => {
      for (const order of ['ascending', 'descending']) {
        const sort = parseSort(path, order, USER);
        if (!sort) throw new Error('no order was read');
        const expected = sortResources(
          stored.map(r => userDocument(r, BASE)),
          sort,
        ).map(doc => doc.id);
        expect((await ask(undefined, path, order)).items.map(r => r.id)).toEqual(expected);
      }
    },
  );

  it.each([
    ['userName eq "a"', 'scim_resource_by(_tenant)?_name'],
    ['externalId eq "a" and title pr', 'scim_resource_by(_tenant)?_external_id'],
    [`id eq "${randomUUID()}"`, 'scim_resource_pkey'],
    ['displayName eq "A"', 'scim_resource_by_display_name'],
    ['emails.value eq "A"', 'scim_resource_by_email'],
    ['emails eq "A"', 'scim_resource_by_email'],
    ['emails[value eq "A"]', 'scim_resource_by_email'],
  ])('with %s reads the index %s', async (filter, index) => {
    const parameters = new SqlParameters(['many']);
    const condition = filterSql(
      parseFilter(filter, USER, new DialectReading(dialectOf('strict'))),
      storeOfUsers(BASE),
      parameters,
    );
    const plan = await rows<Record<string, string>>(
      db.owner,
      `explain select 1 from scim_resource where connection = $1 and deleted_at is null and ${condition}`,
      parameters.values,
    );
    expect(plan.map(line => Object.values(line).join()).join('\n')).toMatch(
      new RegExp(`(using|Scan on) ${index}\\b`),
    );
  });

  it('pages through its hits and counts them all', async () => {
    const pages = [];
    for (const offset of [0, 1, 2, 3]) pages.push(await ask('userName pr', 'userName', undefined, offset, 1));
    expect(pages.map(p => p.total)).toEqual([3, 3, 3, 3]);
    expect((await ask('userName pr', undefined, undefined, 2, 5)).total).toBe(3);
    expect((await ask('userName pr', undefined, undefined, 9, 5)).total).toBe(3);
    expect(pages.map(p => p.items.length)).toEqual([1, 1, 1, 0]);
    expect(new Set(pages.flatMap(p => p.items.map(r => r.id))).size).toBe(3);
    expect(await ask('userName pr', undefined, undefined, 0, 0)).toEqual({ total: 3, items: [] });
  });
});
