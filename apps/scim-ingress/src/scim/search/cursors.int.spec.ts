import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startIngress, type Answer, type RunningIngress } from '../../testing/running-ingress.js';

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const SEARCH = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest';

type Resource = { id: string; userName?: string; displayName?: string };
type Page = { Resources: Resource[]; nextCursor?: string; totalResults: number; startIndex?: number };

/** Half of them share a display name and some have none: an order with equal and missing values. */
const NAMES = ['Änne', 'bob', 'Änne', undefined, 'Cy', 'bob', undefined, 'Änne', 'zoe', 'bob', undefined];

describe('a walk with cursors', () => {
  let ingress: RunningIngress;
  let token: string;
  let other: string;
  const users: Resource[] = [];
  beforeAll(async () => {
    ingress = await startIngress();
    token = (await ingress.connect('walked')).token;
    other = (await ingress.connect('other')).token;
    for (const [i, displayName] of NAMES.entries()) {
      const body = { schemas: [USER], userName: `u${i}@x.example`, active: i % 3 > 0, displayName };
      users.push((await ingress.ask('POST', '/scim/v2/walked/Users', { token, body })).json as Resource);
    }
    for (const displayName of ['g1', 'g2', 'g3']) {
      const body = { schemas: [GROUP], displayName, members: [{ value: users[0]?.id }] };
      await ingress.ask('POST', '/scim/v2/walked/Groups', { token, body });
    }
  });
  afterAll(() => ingress?.close());

  const get = (path: string, query: Record<string, string>): Promise<Answer> =>
    ingress.ask('GET', `/scim/v2/walked/${path}?${new URLSearchParams(query)}`, { token });
  const page = async (path: string, query: Record<string, string>): Promise<Page> => {
    const answer = await get(path, query);
    expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
    return answer.json as unknown as Page;
  };

  /** All pages of a walk; `between` happens after each. */
  async function walk(
    read: (cursor: string) => Promise<Page>,
    between: (seen: readonly Resource[]) => Promise<unknown> = () => Promise.resolve(),
  ): Promise<{ seen: Resource[]; pages: Page[] }> {
    const pages: Page[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined; cursor = pages.at(-1)?.nextCursor) {
      pages.push(await read(cursor));
      await between(pages.flatMap(p => p.Resources));
      if (pages.length > 200) throw new Error('the walk has no end');
    }
    return { seen: pages.flatMap(p => p.Resources), pages };
  }
  const idsOf = (resources: readonly Resource[]): string[] => resources.map(r => r.id);

  it.each<Record<string, string>>([
    {},
    { sortBy: 'displayName' },
    { sortBy: 'displayName', sortOrder: 'descending' },
    { sortBy: 'userName', sortOrder: 'descending' },
    { sortBy: 'active' },
    { sortBy: 'meta.created', sortOrder: 'descending' },
    { sortBy: 'id' },
    { filter: 'displayName pr', sortBy: 'displayName' },
    { filter: 'active eq true' },
  ])('meets everybody once, in the order of one large page: %j', async query => {
    const whole = await page('Users', { ...query, count: '200' });
    for (const count of ['1', '3', '200']) {
      const { seen, pages } = await walk(cursor => page('Users', { ...query, count, cursor }));
      expect(idsOf(seen)).toEqual(idsOf(whole.Resources));
      for (const p of pages) expect(p.totalResults).toBe(whole.totalResults);
      for (const p of pages.slice(0, -1)) expect(p.Resources).toHaveLength(Number(count));
      for (const p of pages) expect(p.startIndex).toBeUndefined();
    }
  });

  it('loses nobody who stays while others come and go', async () => {
    const made = (await ingress.connect('moving')).token;
    const path = '/scim/v2/moving/Users';
    const add = async (name: string): Promise<Resource> => {
      const body = { schemas: [USER], userName: `${name}@x.example`, active: true };
      return (await ingress.ask('POST', path, { token: made, body })).json as Resource;
    };
    const staying: Resource[] = [];
    const leaving: Resource[] = [];
    for (let i = 0; i < 24; i += 1) (i % 2 ? staying : leaving).push(await add(`m${i}`));
    let n = 0;
    const { seen } = await walk(
      async cursor => {
        const query = new URLSearchParams({ cursor, count: '5' });
        return (await ingress.ask('GET', `${path}?${query}`, { token: made })).json as unknown as Page;
      },
      async met => {
        // Those who were met and those who were not, also the one at which the page ended.
        const gone = [met.at(-1)?.id, leaving[n]?.id, leaving[11 - n]?.id].filter(id =>
          leaving.some(l => l.id === id),
        );
        for (const id of gone) await ingress.ask('DELETE', `${path}/${id}`, { token: made });
        await add(`new${n}`);
        n += 1;
      },
    );
    const ids = idsOf(seen);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(expect.arrayContaining(idsOf(staying)));
  });

  it.each<Record<string, string>>([{}, { sortBy: 'userName', sortOrder: 'descending' }])(
    'loses nobody who stays while others are deleted and created all the time: %j',
    async order => {
      const id = `busy${order['sortBy'] ? '-sorted' : ''}`;
      const busy = (await ingress.connect(id, 'acme', 1_000_000)).token;
      const at = `/scim/v2/${id}`;
      const many = Array.from({ length: 240 }, (_, i) => ({
        ...{ method: 'POST', path: '/Users', bulkId: `b${i}` },
        data: { schemas: [USER], userName: `busy.${i}@x.example`, active: true },
      }));
      const made = await ingress.ask('POST', `${at}/Bulk`, {
        token: busy,
        body: { schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'], Operations: many },
      });
      const all = (made.json.Operations as { location: string }[]).map(
        o => o.location.split('/').at(-1) ?? '',
      );
      const staying = all.filter((_, i) => i % 2 === 0);
      const leaving = all.filter((_, i) => i % 2 === 1);
      let isWalking = true;
      let changes = 0;
      const writer = async (): Promise<void> => {
        while (isWalking) {
          // From both ends, so that it happens before and behind the walk.
          const gone = changes % 4 < 2 ? leaving.shift() : leaving.pop();
          const userName = `busy.new.${changes}@x.example`;
          changes += 1;
          if (gone) await ingress.ask('DELETE', `${at}/Users/${gone}`, { token: busy });
          await ingress.ask('POST', `${at}/Users`, { token: busy, body: { schemas: [USER], userName } });
        }
      };
      const writers = [writer(), writer()];
      const { seen } = await walk(async cursor => {
        const query = new URLSearchParams({ ...order, cursor, count: '9' });
        return (await ingress.ask('GET', `${at}/Users?${query}`, { token: busy })).json as unknown as Page;
      }).finally(() => {
        isWalking = false;
      });
      await Promise.all(writers);
      const met = Map.groupBy(idsOf(seen), one => one);
      expect(staying.filter(one => met.get(one)?.length !== 1)).toEqual([]);
      expect([...met.values()].filter(times => times.length > 1)).toEqual([]);
      expect(changes).toBeGreaterThan(3);
    },
  );

  it('goes on behind a page whose last one was deleted', async () => {
    const first = await page('Groups', { cursor: '', count: '1' });
    await ingress.ask('DELETE', `/scim/v2/walked/Groups/${first.Resources[0]?.id}`, { token });
    const rest = await page('Groups', { cursor: first.nextCursor ?? '', count: '5' });
    expect(rest.Resources.map(r => r.displayName)).toEqual(['g2', 'g3']);
    expect(rest.nextCursor).toBeUndefined();
  });

  it('works in a search, of one type and of all', async () => {
    const search = async (path: string, cursor: string, count: number): Promise<Page> => {
      const body = { schemas: [SEARCH], cursor, count, attributes: ['userName', 'displayName'] };
      return (await ingress.ask('POST', `/scim/v2/walked/${path}`, { token, body })).json as unknown as Page;
    };
    const ofUsers = await walk(cursor => search('Users/.search', cursor, 4));
    expect(idsOf(ofUsers.seen)).toEqual(idsOf(users));
    for (const count of [1, 2, 4, 11, 12, 200]) {
      const { seen, pages } = await walk(cursor => search('.search', cursor, count));
      expect(idsOf(seen.slice(0, users.length))).toEqual(idsOf(users));
      expect(seen.slice(users.length).map(r => r.displayName)).toEqual(['g2', 'g3']);
      expect(pages[0]?.totalResults).toBe(users.length + 2);
    }
  });

  it('is announced', async () => {
    const { json } = await get('ServiceProviderConfig', {});
    expect(json.pagination).toEqual({
      ...{ cursor: true, index: true, defaultPaginationMethod: 'index' },
      ...{ defaultPageSize: 100, maxPageSize: 200, cursorTimeout: 3_600 },
    });
  });

  describe('is refused', () => {
    const refusal = (answer: Answer): unknown[] => [answer.status, answer.json.scimType, answer.json.detail];

    it.each([
      [{ cursor: 'made-up' }, 'invalidCursor'],
      [{ cursor: '', startIndex: '1' }, 'invalidValue'],
      [{ cursor: '', count: '0' }, 'invalidCount'],
      [{ cursor: '', filter: 'nonsense' }, 'invalidFilter'],
    ])('with %j', async (query, scimType) => {
      const answer = await get('Users', query);
      expect([answer.status, answer.json.scimType]).toEqual([400, scimType]);
    });

    it('with the cursor of another query or another connection, as with one that nobody made', async () => {
      const { nextCursor = '' } = await page('Users', { cursor: '', count: '2' });
      const made = refusal(await get('Users', { cursor: 'made-up' }));
      expect(refusal(await get('Groups', { cursor: nextCursor }))).toEqual(made);
      expect(refusal(await get('Users', { cursor: nextCursor, filter: 'active eq true' }))).toEqual(made);
      expect(refusal(await get('Users', { cursor: nextCursor, sortBy: 'userName' }))).toEqual(made);
      const theirs = await ingress.ask('GET', `/scim/v2/other/Users?cursor=${nextCursor}`, { token: other });
      expect(refusal(theirs)).toEqual(made);
    });
  });
});
