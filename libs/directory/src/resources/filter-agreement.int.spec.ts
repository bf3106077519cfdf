import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { migration, rows } from '@sever/postgres';
import { createTestDatabase, type TestDatabase } from '@sever/postgres/testing';
import {
  DialectReading,
  SqlParameters,
  dialectOf,
  filterSql,
  isObject,
  matches,
  normaliseUserName,
  parseFilter,
  parseSort,
  sortResources,
  sortSql,
  type DialectName,
  type Filter,
  type JsonObject,
  type SqlStore,
} from '@sever/scim';
import fc from 'fast-check';
import { SORTABLE, filterText } from '../testing/sample-filters.js';
import { SAMPLE, SAMPLE_EXTENSION, person } from '../testing/sample-people.js';

/** Everything in the document, and the usual attributes in columns of their own. */
const STORES: Readonly<Record<string, SqlStore>> = {
  document: { document: 'doc', columns: {} },
  columns: {
    document: 'doc',
    columns: {
      id: { kind: 'uuid', sql: 'id' },
      userName: { kind: 'text', sql: 'user_name', isFolded: true },
      displayName: { kind: 'text', sql: 'display_name' },
      externalId: { kind: 'text', sql: 'external_id' },
      active: { kind: 'boolean', sql: 'active' },
      'meta.created': { kind: 'timestamp', sql: 'created_at' },
      'meta.resourceType': { kind: 'text', sql: `'User'::text` },
      'emails.value': { kind: 'texts', sql: 'email_values' },
      roles: { kind: 'json', sql: `coalesce(doc -> 'roles', '[]'::jsonb)` },
    },
  },
};

const PEOPLE = 40;
const FILTERS = 150;
const RUNS = 30;

function columnsOf(doc: JsonObject, n: number): unknown[] {
  const meta = isObject(doc.meta) ? doc.meta : {};
  const emails = (Array.isArray(doc.emails) ? doc.emails : [])
    .map(email => (isObject(email) && typeof email.value === 'string' ? email.value : ''))
    .filter(value => value !== '');
  return [
    n,
    JSON.stringify(doc),
    doc.id,
    normaliseUserName(String(doc.userName)),
    doc.displayName ?? null,
    doc.externalId ?? null,
    doc.active,
    // Finer than resources show: the comparison must not see it.
    String(meta.created).replace('Z', '321Z'),
    emails.map(normaliseUserName),
  ];
}

describe('a filter', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createTestDatabase([
      migration(1_790_000_000_001, 'Sample', [
        `create table person (n int primary key, doc jsonb not null, id uuid not null, user_name text not null, display_name text,
           external_id text, active boolean not null, created_at timestamptz not null, email_values text[] not null)`,
      ]),
    ]);
  });
  afterAll(() => db.drop());

  async function store(people: readonly JsonObject[]): Promise<void> {
    await db.owner.query('truncate person');
    for (const [n, doc] of people.entries())
      await db.owner.query(
        'insert into person values ($1, $2, $3, $4, $5, $6, $7, $8, $9)',
        columnsOf(doc, n),
      );
  }

  async function found(text: string, using: SqlStore): Promise<number[]> {
    const parameters = new SqlParameters();
    const filter = parseFilter(text, SAMPLE, new DialectReading(dialectOf('strict')));
    const condition = filterSql(filter, using, parameters);
    const list = await rows<{ n: number }>(
      db.owner,
      `select n from person where ${condition} order by n`,
      parameters.values,
    );
    return list.map(row => row.n);
  }

  /** One disagreement with the first resource that shows it; the whole sample would fill pages. */
  const first = (
    people: readonly JsonObject[],
    a: readonly number[],
    b: readonly number[],
  ): JsonObject | undefined => people.find((_, n) => a.indexOf(n) !== b.indexOf(n));

  it('finds the same people in memory and in the database', async () => {
    let some = 0;
    for (let run = 0; run < RUNS; run += 1) {
      const people = fc.sample(person, { numRuns: PEOPLE, seed: run });
      await store(people);
      for (const text of fc.sample(filterText, { numRuns: FILTERS, seed: run })) {
        const filter = parseFilter(text, SAMPLE, new DialectReading(dialectOf('strict')));
        const expected = people.flatMap((doc, n) => (matches(filter, doc) ? [n] : []));
        if (expected.length > 0 && expected.length < people.length) some += 1;
        for (const [name, using] of Object.entries(STORES))
          expect({ run, text, name, differs: first(people, expected, await found(text, using)) }).toEqual({
            run,
            text,
            name,
            differs: undefined,
          });
      }
    }
    // Filters that find all or nobody would prove little.
    expect(some).toBeGreaterThan((RUNS * FILTERS) / 3);
  }, 300_000);

  it('means the same without the URN of an extension, where a dialect takes that', () => {
    for (const text of fc.sample(filterText, { numRuns: 2_000, seed: 1 })) {
      const bare = text.replaceAll(`${SAMPLE_EXTENSION}:`, '');
      const read = (said: string, dialect: DialectName): Filter =>
        parseFilter(said, SAMPLE, new DialectReading(dialectOf(dialect)));
      expect(read(bare, 'entra')).toEqual(read(text, 'strict'));
    }
  });

  const ORDERS = SORTABLE.flatMap(path => [
    { path, order: 'ascending' },
    { path, order: 'descending' },
  ]);

  async function sorted(path: string, order: string, using: SqlStore): Promise<number[]> {
    const sort = parseSort(path, order, SAMPLE);
    if (!sort) throw new Error('no order was read');
    const list = await rows<{ n: number }>(
      db.owner,
      `select n from person order by ${sortSql(sort, using)}, n`,
      [],
    );
    return list.map(row => row.n);
  }

  it('sorts the same way in memory and in the database', async () => {
    for (let run = 0; run < 10; run += 1) {
      const people = fc.sample(person, { numRuns: PEOPLE, seed: run });
      await store(people);
      for (const { path, order } of ORDERS) {
        const sort = parseSort(path, order, SAMPLE);
        const expected = sort && sortResources(people, sort).map(doc => people.indexOf(doc));
        for (const [name, using] of Object.entries(STORES)) {
          const differs = first(people, expected ?? [], await sorted(path, order, using));
          expect({ run, path, order, name, differs }).toEqual({ run, path, order, name, differs: undefined });
        }
      }
    }
  }, 300_000);
});
