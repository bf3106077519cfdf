import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rows } from '@sever/postgres';
import { BULK_OPERATIONS_MAX, GROUP_SCHEMA_ID, USER_SCHEMA_ID, type DialectName } from '@sever/scim';
import { connectDialects, type DialectConnections } from '../testing/dialect-connections.js';

const BULK = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';
const SEARCH = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

type Operation = { method: string; status: string; location?: string; version?: string; response?: object };

describe('many at once', () => {
  let ingress: DialectConnections;
  beforeAll(async () => {
    ingress = await connectDialects();
  }, 60_000);
  afterAll(() => ingress.stop());

  const person = (userName: string, more: object = {}): object => ({
    schemas: [USER_SCHEMA_ID],
    userName,
    ...more,
  });
  const post = (bulkId: string, data: object, path = '/Users'): object => ({
    method: 'POST',
    path,
    bulkId,
    data,
  });
  const switchedOff = { schemas: [PATCH], Operations: [{ op: 'replace', path: 'active', value: false }] };
  async function bulk(dialect: DialectName, operations: object[], more: object = {}): Promise<Operation[]> {
    const { status, body } = await ingress.send(dialect, 'POST', '/Bulk', {
      schemas: [BULK],
      Operations: operations,
      ...more,
    });
    expect(status).toBe(200);
    return body.Operations as Operation[];
  }
  const statuses = (operations: Operation[]): string[] => operations.map(({ status }) => status);
  const idOf = (operation: Operation | undefined): string => operation?.location?.split('/').at(-1) ?? '';
  const typesOf = async (id: string): Promise<string[]> => {
    const [found] = await rows<{ subject: string }>(
      ingress.db.owner,
      'select subject from scim_resource where id = $1',
      [id],
    );
    return (await ingress.eventsOf(String(found?.subject))).map(({ type }) => type);
  };

  describe('a bulk request', () => {
    it('makes a group and its members, whichever stands first', async () => {
      const done = await bulk('strict', [
        post(
          'team',
          {
            schemas: [GROUP_SCHEMA_ID],
            displayName: 'Team',
            members: [{ value: 'bulkId:a' }, { value: 'bulkId:b' }],
          },
          '/Groups',
        ),
        post('a', person('bulk.a@acme.example')),
        post('b', person('bulk.b@acme.example')),
      ]);
      expect(statuses(done)).toEqual(['201', '201', '201']);
      const { body } = await ingress.send('strict', 'GET', `/Groups/${idOf(done[0])}`);
      const members = (body.members as { value: string }[]).map(({ value }) => value);
      expect(members.toSorted()).toEqual([idOf(done[1]), idOf(done[2])].toSorted());
      expect(done[0]).toMatchObject({
        method: 'POST',
        bulkId: 'team',
        location: `${ingress.base('strict')}/Groups/${idOf(done[0])}`,
        version: (body.meta as { version: string }).version,
      });
    });

    it('opts each person out with an event of their own, and others not at all', async () => {
      const made = await bulk(
        'strict',
        Array.from({ length: 40 }, (_, i) => post(`p${i}`, person(`leaver.${i}@acme.example`))),
      );
      const ids = made.map(idOf);
      const half = ids.slice(0, 20);
      const done = await bulk(
        'strict',
        half.map(id => ({ method: 'PATCH', path: `/Users/${id}`, data: switchedOff })),
      );
      expect(new Set(statuses(done))).toEqual(new Set(['200']));
      for (const [i, id] of ids.entries())
        expect(await typesOf(id)).toEqual(
          i < 20
            ? ['sever.subject.registered.v1', 'sever.optout.requested.v1']
            : ['sever.subject.registered.v1'],
        );
    });

    it('keeps the order of what is done to one person', async () => {
      const [made] = await bulk('strict', [post('x', person('order@acme.example'))]);
      const path = `/Users/${idOf(made)}`;
      const done = await bulk('strict', [
        { method: 'PUT', path, data: person('order@acme.example', { title: 'first' }) },
        { method: 'PUT', path, data: person('order@acme.example', { title: 'second' }) },
        { method: 'DELETE', path },
        post('again', person('order@acme.example')),
        { method: 'PATCH', path, data: switchedOff },
      ]);
      expect(statuses(done)).toEqual(['200', '200', '204', '201', '404']);
      expect(idOf(done[3])).not.toBe(idOf(made));
    });

    it('does what it can beside what is refused', async () => {
      const done = await bulk('strict', [
        post('one', person('beside@acme.example')),
        post('two', person('BESIDE@acme.example')),
        { method: 'PATCH', path: '/Users/nobody', data: switchedOff },
        { method: 'PUT', path: '/Users/bulkId:one', data: person('beside@acme.example'), version: 'W/"9"' },
        post('three', person('beside.too@acme.example', { active: 'maybe' })),
      ]);
      expect(statuses(done)).toEqual(['201', '409', '404', '412', '400']);
      expect(done[1]?.response).toMatchObject({ status: '409', scimType: 'uniqueness' });
      expect(done[2]?.location).toBe(`${ingress.base('strict')}/Users/nobody`);
    });

    it('ends after as many errors as it allows', async () => {
      const done = await bulk(
        'strict',
        [post('a', { schemas: [USER_SCHEMA_ID] }), post('b', person('never@acme.example'))],
        { failOnErrors: 1 },
      );
      expect(statuses(done)).toEqual(['400']);
      const { body } = await ingress.send(
        'strict',
        'GET',
        '/Users?filter=userName%20eq%20%22never@acme.example%22',
      );
      expect(body.totalResults).toBe(0);
    });

    it('is refused when it holds too much', async () => {
      const many = Array.from({ length: BULK_OPERATIONS_MAX + 1 }, () => ({
        method: 'DELETE',
        path: '/Users/x',
      }));
      const tooMany = await ingress.send('strict', 'POST', '/Bulk', { schemas: [BULK], Operations: many });
      expect({ status: tooMany.status, said: tooMany.body.status }).toEqual({ status: 413, said: '413' });
      const large = {
        schemas: [BULK],
        Operations: [post('a', person('a', { title: 'x'.repeat(1_100_000) }))],
      };
      expect((await ingress.send('strict', 'POST', '/Bulk', large)).status).toBe(413);
    });

    it('answers a PATCH as the dialect does', async () => {
      const [made] = await bulk('entra', [post('x', person('entra.bulk@acme.example'))]);
      const value = { schemas: [PATCH], Operations: [{ op: 'Replace', path: 'active', value: 'False' }] };
      const done = await bulk('entra', [{ method: 'PATCH', path: `/Users/${idOf(made)}`, data: value }]);
      expect(statuses(done)).toEqual(['204']);
    });
  });

  describe('a search in a body', () => {
    const search = async (path: string, query: object): Promise<Record<string, unknown>> => {
      const { status, body } = await ingress.send('okta', 'POST', path, { schemas: [SEARCH], ...query });
      expect(status).toBe(200);
      return body;
    };
    beforeAll(async () => {
      for (const name of ['ann', 'ben', 'cay'])
        await ingress.send(
          'okta',
          'POST',
          '/Users',
          person(`${name}@acme.example`, { displayName: `S ${name}` }),
        );
      for (const displayName of ['S one', 'S two'])
        await ingress.send('okta', 'POST', '/Groups', { schemas: [GROUP_SCHEMA_ID], displayName });
    });

    it('finds what the same query in an address finds', async () => {
      const query = { filter: 'displayName sw "S"', sortBy: 'userName', sortOrder: 'descending' };
      const found = await search('/Users/.search', { ...query, attributes: ['userName'], count: 2 });
      const address = new URLSearchParams({ ...query, attributes: 'userName', count: '2' });
      const { body } = await ingress.send('okta', 'GET', `/Users?${address.toString()}`);
      expect(found).toEqual(body);
      expect((found.Resources as { userName: string }[]).map(({ userName }) => userName)).toEqual([
        'cay@acme.example',
        'ben@acme.example',
      ]);
      expect(await search('/Groups/.search', { filter: 'displayName eq "S two"' })).toMatchObject({
        totalResults: 1,
      });
    });

    it('goes through users and groups, page by page, and meets each once', async () => {
      const seen: unknown[] = [];
      for (let startIndex = 1; ; startIndex += 2) {
        const page = await search('/.search', { filter: 'displayName sw "S "', startIndex, count: 2 });
        expect(page.totalResults).toBe(5);
        const names = (page.Resources as { displayName: string }[]).map(({ displayName }) => displayName);
        if (names.length === 0) break;
        seen.push(...names);
      }
      expect(seen).toEqual(['S ann', 'S ben', 'S cay', 'S one', 'S two']);
      expect(await search('/.search', { filter: 'userName pr', count: 0 })).toMatchObject({
        totalResults: 3,
      });
    });

    it.each([
      ['no schema', '/Users/.search', { schemas: [] }],
      ['a count that is no number', '/Users/.search', { schemas: [SEARCH], count: 'two' }],
      ['a filter that is none', '/.search', { schemas: [SEARCH], filter: 'displayName' }],
      ['an unknown attribute', '/.search', { schemas: [SEARCH], filter: 'shoeSize eq 4' }],
      ['an order by nothing that is known', '/.search', { schemas: [SEARCH], sortBy: 'shoeSize' }],
      ['an order by something complex', '/.search', { schemas: [SEARCH], sortBy: 'name' }],
      ['a direction that is none', '/.search', { schemas: [SEARCH], sortBy: 'id', sortOrder: 'up' }],
      ['attributes that are no list', '/Users/.search', { schemas: [SEARCH], attributes: 'userName' }],
    ])('is refused for %s', async (_what, path, body) => {
      expect((await ingress.send('okta', 'POST', path, body)).status).toBe(400);
    });
  });
});
