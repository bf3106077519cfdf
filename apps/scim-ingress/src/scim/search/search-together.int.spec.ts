import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rows } from '@sever/postgres';
import {
  DialectReading,
  GROUP,
  GROUP_SCHEMA_ID,
  USER,
  USER_SCHEMA_ID,
  dialectOf,
  matches,
  parseFilter,
  parseSort,
  sortResources,
  type JsonObject,
} from '@sever/scim';
import fc from 'fast-check';
import { startIngress, type Answer, type RunningIngress } from '../../testing/running-ingress.js';

const SEARCH = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest';
const WORLDS = 3;

/** Few values, so that many are equal but for case, and some have none: what an order and a walk stumble over. */
const label = fc.constantFrom(undefined, 'a', 'A', 'ä', 'b', 'Z', 'é', 'e\u0301', '\u{1f600}');
const resource = fc.record({
  isGroup: fc.boolean(),
  displayName: label,
  externalId: label,
  active: fc.boolean(),
  title: label,
  mail: fc.constantFrom(undefined, 'x@a.example', 'Y@a.example'),
});
const ORDERS = [
  ...['displayName', 'externalId', 'userName', 'title', 'active', 'emails.value', 'id', 'members.value'],
  ...[
    'meta.created',
    'meta.lastModified',
    'meta.resourceType',
    'meta.location',
    'groups.value',
    'name.familyName',
  ],
];
const FILTERS = [
  undefined,
  'displayName pr',
  'displayName eq "a" or userName co "1"',
  'active eq true',
  'not (externalId sw "a")',
  'meta.resourceType eq "Group"',
  'members pr or emails[value co "a.example"]',
  'userName eq "nobody@x.example"',
];
const question = fc.record({
  filter: fc.constantFrom(...FILTERS),
  sortBy: fc.constantFrom(...ORDERS),
  sortOrder: fc.constantFrom(undefined, 'ascending', 'descending'),
  count: fc.integer({ min: 1, max: 30 }),
});
type Question = { filter: string | undefined; sortBy: string; sortOrder: string | undefined; count: number };
type Page = { Resources: JsonObject[]; totalResults: number; nextCursor?: string };

describe('a search over users and groups in one order', () => {
  let ingress: RunningIngress;
  const tokens: string[] = [];
  beforeAll(async () => {
    ingress = await startIngress();
    for (let world = 0; world < WORLDS; world += 1) await populate(world);
  }, 120_000);
  afterAll(() => ingress?.close());

  async function populate(world: number): Promise<void> {
    const { token } = await ingress.connect(`world${world}`);
    tokens.push(token);
    let member: unknown;
    for (const [n, made] of fc.sample(resource, { numRuns: 24, seed: world }).entries()) {
      const { isGroup, displayName, externalId, active, title, mail } = made;
      const shown = { ...(externalId && { externalId }) };
      const body = isGroup
        ? {
            schemas: [GROUP_SCHEMA_ID],
            displayName: displayName ?? 'none',
            ...shown,
            ...(n % 2 && member ? { members: [{ value: member }] } : {}),
          }
        : {
            ...{ schemas: [USER_SCHEMA_ID], userName: `u${n}@x.example`, active, title, displayName },
            ...shown,
            ...(mail && { emails: [{ value: mail }] }),
          };
      const answer = await ask(world, 'POST', isGroup ? '/Groups' : '/Users', body);
      expect(answer.status).toBe(201);
      if (!isGroup) member = answer.json.id;
    }
    // Equal ages: only the id is left to tell them apart.
    const same = `created_at = date_trunc('minute', created_at)`;
    for (const table of ['scim_resource', 'scim_group'])
      await ingress.db.owner.query(`update ${table} set ${same} where connection = $1 and id::text < '8'`, [
        `world${world}`,
      ]);
  }

  const ask = (world: number, method: string, path: string, body?: object): Promise<Answer> =>
    ingress.ask(method, `/scim/v2/world${world}${path}`, {
      token: tokens[world] ?? '',
      ...(body && { body }),
    });
  async function search(
    world: number,
    { filter, sortBy, sortOrder, count }: Question,
    at: object,
  ): Promise<Page> {
    const body = {
      schemas: [SEARCH],
      sortBy,
      count,
      ...at,
      ...(filter && { filter }),
      ...(sortOrder && { sortOrder }),
    };
    const answer = await ask(world, 'POST', '/.search', body);
    expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
    return answer.json as unknown as Page;
  }

  /** Everything as clients see it, by age and then by id. */
  async function everything(world: number): Promise<JsonObject[]> {
    const inOrder = await rows<{ id: string }>(
      ingress.db.owner,
      `select id from (select id, created_at from scim_resource where connection = $1 and deleted_at is null
         union all select id, created_at from scim_group where connection = $1 and deleted_at is null) r order by created_at, id`,
      [`world${world}`],
    );
    const found = new Map<unknown, JsonObject>();
    for (const path of ['/Users', '/Groups']) {
      const { json } = await ask(world, 'GET', `${path}?count=200`);
      for (const document of json.Resources as JsonObject[]) found.set(document.id, document);
    }
    return inOrder.map(({ id }) => found.get(id) ?? {});
  }

  async function expected(world: number, { filter, sortBy, sortOrder }: Question): Promise<unknown[]> {
    const reading = new DialectReading(dialectOf('strict'));
    const isAsked = (document: JsonObject): boolean => {
      if (filter === undefined) return true;
      const isGroup = (document.schemas as string[]).includes(GROUP_SCHEMA_ID);
      const [type, other] = isGroup ? [GROUP, USER] : [USER, GROUP];
      return matches(parseFilter(filter, type, reading, [other]), document);
    };
    const sort = parseSort(sortBy, sortOrder, USER, [GROUP]);
    if (!sort) throw new Error('no order was read');
    return sortResources((await everything(world)).filter(isAsked), sort).map(({ id }) => id);
  }

  async function walkByIndex(
    world: number,
    question: Question,
  ): Promise<{ met: unknown[]; totals: number[] }> {
    const met: unknown[] = [];
    const totals: number[] = [];
    for (let startIndex = 1; ; startIndex += question.count) {
      const page = await search(world, question, { startIndex });
      totals.push(page.totalResults);
      if (page.Resources.length === 0) return { met, totals };
      met.push(...page.Resources.map(({ id }) => id));
    }
  }

  async function walkByCursor(
    world: number,
    question: Question,
  ): Promise<{ met: unknown[]; totals: number[] }> {
    const met: unknown[] = [];
    const totals: number[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined;) {
      const page: Page = await search(world, question, { cursor });
      totals.push(page.totalResults);
      met.push(...page.Resources.map(({ id }) => id));
      expect(page.Resources.length).toBeLessThanOrEqual(question.count);
      cursor = page.nextCursor;
    }
    return { met, totals };
  }

  it('finds what a search in memory finds, in its order, each once, by index and with cursors', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: WORLDS - 1 }), question, async (world, asked) => {
        const ids = await expected(world, asked);
        for (const walk of [walkByIndex, walkByCursor]) {
          const { met, totals } = await walk(world, asked);
          expect(met).toEqual(ids);
          expect(new Set(totals)).toEqual(new Set([ids.length]));
        }
      }),
      { numRuns: 60 },
    );
  }, 240_000);

  it.each(ORDERS)('can be ordered by %s, both ways', async sortBy => {
    for (const sortOrder of ['ascending', 'descending']) {
      const asked = { filter: undefined, sortBy, sortOrder, count: 7 };
      expect((await walkByCursor(0, asked)).met).toEqual(await expected(0, asked));
    }
  });

  it('takes a name of one schema for an attribute of that type alone', async () => {
    const asked = {
      filter: undefined,
      sortBy: `${USER_SCHEMA_ID}:displayName`,
      sortOrder: undefined,
      count: 200,
    };
    const { Resources } = await search(1, asked, {});
    const hasName = Resources.map(
      r => (r.schemas as string[]).includes(USER_SCHEMA_ID) && r.displayName !== undefined,
    );
    expect(hasName).toContain(true);
    expect(hasName).toEqual([...hasName].sort((a, b) => Number(b) - Number(a)));
  });

  it('meets everybody who stays while others come and go', async () => {
    const { token } = await ingress.connect('moving');
    const add = async (n: number): Promise<unknown> => {
      const body =
        n % 2
          ? { schemas: [USER_SCHEMA_ID], userName: `m${n}@x.example`, displayName: `n${n % 5}` }
          : { schemas: [GROUP_SCHEMA_ID], displayName: `n${n % 5}` };
      const path = `/scim/v2/moving/${n % 2 ? 'Users' : 'Groups'}`;
      return `${path}/${String((await ingress.ask('POST', path, { token, body })).json.id)}`;
    };
    const made: unknown[] = [];
    for (let n = 0; n < 30; n += 1) made.push(await add(n));
    const staying = made.filter((_, n) => n % 3 > 0);
    const met: string[] = [];
    const leaving = made.filter((_, n) => n % 3 === 0);
    for (let cursor: string | undefined = ''; cursor !== undefined;) {
      const body = { schemas: [SEARCH], sortBy: 'displayName', count: 4, cursor };
      const page = (await ingress.ask('POST', '/scim/v2/moving/.search', { token, body }))
        .json as unknown as Page;
      met.push(
        ...page.Resources.map(
          r => `/scim/v2/moving/${(r.meta as { resourceType: string }).resourceType}s/${String(r.id)}`,
        ),
      );
      await ingress.ask('DELETE', String(leaving.shift()), { token });
      await add(100 + met.length);
      cursor = page.nextCursor;
    }
    expect(new Set(met).size).toBe(met.length);
    expect(met).toEqual(expect.arrayContaining(staying));
  });
});
