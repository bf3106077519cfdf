import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startIngress, type Answer, type RunningIngress } from '../testing/running-ingress.js';
import { scimCaller, type ScimCaller } from '../testing/scim-caller.js';

const API = 'urn:ietf:params:scim:api:messages:2.0';
const CORE = 'urn:ietf:params:scim:schemas:core:2.0';

const TYPES = [
  { path: '/Users', schema: `${CORE}:User`, name: 'userName', other: 'title' },
  { path: '/Groups', schema: `${CORE}:Group`, name: 'displayName', other: 'externalId' },
];

let ingress: RunningIngress;
let ask: ScimCaller;
beforeAll(async () => {
  ingress = await startIngress();
  ask = scimCaller(ingress, 'conditions', (await ingress.connect('conditions')).token);
});
afterAll(() => ingress?.close());

function expectUnmet(answer: Answer): void {
  expect({ status: answer.status, body: answer.json }).toEqual({
    status: 412,
    body: expect.objectContaining({ schemas: [`${API}:Error`], status: '412' }) as object,
  });
}

describe.each(TYPES)('preconditions of $path', ({ path, schema, name, other }) => {
  let made = 0;
  const create = async (): Promise<{ at: string; named: object }> => {
    const named = { schemas: [schema], [name]: `conditional-${made++}` };
    return { at: `${path}/${String((await ask('POST', path, named)).json.id)}`, named };
  };
  const patch = {
    schemas: [`${API}:PatchOp`],
    Operations: [{ op: 'add', path: other, value: 'new' }],
  };
  const writes = (named: object): [string, object | undefined][] => [
    ['PUT', { ...named, [other]: 'new' }],
    ['PATCH', patch],
    ['DELETE', undefined],
  ];

  it.each(['*', 'W/"1"', '"1"', '"9", W/"1"'])(
    'refuse a write whose If-None-Match, %s, names what is there',
    async tag => {
      const { at, named } = await create();
      for (const [method, body] of writes(named))
        expectUnmet(await ask(method, at, body, { 'if-none-match': tag }));
      const kept = await ask('GET', at);
      expect([kept.status, kept.headers.get('etag'), kept.json[other]]).toEqual([200, 'W/"1"', undefined]);
    },
  );

  it('let a write pass whose If-None-Match names another version', async () => {
    const { at, named } = await create();
    const statuses: number[] = [];
    for (const [method, body] of writes(named))
      statuses.push((await ask(method, at, body, { 'if-none-match': 'W/"9"' })).status);
    expect(statuses).toEqual([200, 200, 204]);
  });

  it('refuse a read of another version than If-Match names', async () => {
    const { at } = await create();
    expectUnmet(await ask('GET', at, undefined, { 'if-match': 'W/"9"' }));
    expect((await ask('HEAD', at, undefined, { 'if-match': 'W/"9"' })).status).toBe(412);
    for (const tag of ['W/"1"', '*'])
      expect((await ask('GET', at, undefined, { 'if-match': tag })).status).toBe(200);
  });

  it('look at If-Match before If-None-Match', async () => {
    const { at } = await create();
    const read = (match: string): Promise<Answer> =>
      ask('GET', at, undefined, { 'if-match': match, 'if-none-match': 'W/"1"' });
    expectUnmet(await read('W/"9"'));
    expect((await read('W/"1"')).status).toBe(304);
    const gone = await ask('DELETE', at, undefined, { 'if-match': 'W/"1"', 'if-none-match': 'W/"1"' });
    expectUnmet(gone);
    expect(gone.json.detail).toContain('If-None-Match');
  });

  it('say nothing of what is not there', async () => {
    for (const headers of [{ 'if-match': '*' }, { 'if-none-match': '*' }] as Record<string, string>[])
      for (const [method, body] of [
        ['GET', undefined] as const,
        ...writes({ schemas: [schema], [name]: 'x' }),
      ])
        expect((await ask(method, `${path}/nobody`, body, headers)).status).toBe(404);
  });
});

it('are looked at before a client that does not wait is sent away', async () => {
  const user = { schemas: [`${CORE}:User`], userName: 'later@x.example' };
  const at = `/Users/${String((await ask('POST', '/Users', user)).json.id)}`;
  const headers = { prefer: 'respond-async', 'if-none-match': '*' };
  expectUnmet(await ask('DELETE', at, undefined, headers));
  expectUnmet(await ask('PUT', at, { ...user, active: false }, headers));
  expect((await ask('GET', at)).headers.get('etag')).toBe('W/"1"');
});

it('of a bulk operation are its version', async () => {
  const user = { schemas: [`${CORE}:User`], userName: 'in-bulk@x.example' };
  const { id } = (await ask('POST', '/Users', user)).json;
  const remove = (version: string): Promise<Answer> =>
    ask('POST', '/Bulk', {
      schemas: [`${API}:BulkRequest`],
      Operations: [{ method: 'DELETE', path: `/Users/${String(id)}`, version }],
    });
  expect((await remove('W/"9"')).json.Operations).toMatchObject([{ status: '412' }]);
  expect((await remove('W/"1"')).json.Operations).toMatchObject([{ status: '204' }]);
});
