import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { call } from '../harness/clients.js';
import { startPipeline, type Pipeline } from '../harness/pipeline.js';

jest.setTimeout(180_000);

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const PEOPLE = [
  { userName: 'query.c@acme.example', title: 'b', active: true },
  { userName: 'query.a@acme.example', title: 'A', active: true },
  { userName: 'Query.B@acme.example', active: true, emails: [{ value: 'b@acme.example', type: 'work' }] },
];

type List = { totalResults: number; Resources: { userName: string; id: string }[] };

describe('queries of a connection', () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await startPipeline(['--hold', 'never']);
    for (const person of PEOPLE) {
      const made = await send('POST', '/Users', { schemas: [USER], ...person });
      expect(made.status).toBe(201);
    }
  });
  afterAll(() => pipeline?.dispose());

  const send = (method: string, path: string, body?: object, connection = 'strict') => {
    const { baseUrl, token } = pipeline.connection(connection);
    return call(method, baseUrl + path, token, body);
  };

  async function names(query: Record<string, string>): Promise<string[]> {
    const reply = await send('GET', `/Users?${new URLSearchParams(query).toString()}`);
    expect(reply.status).toBe(200);
    return (reply.body as unknown as List).Resources.map(user => user.userName);
  }

  const OURS = 'userName sw "query."';

  it('filter, sort and page as the documents say', async () => {
    const [c, a, b] = PEOPLE.map(person => person.userName);
    expect(await names({ filter: OURS })).toEqual([c, a, b]);
    expect(await names({ filter: OURS, sortBy: 'userName' })).toEqual([a, b, c]);
    expect(await names({ filter: OURS, sortBy: 'userName', sortOrder: 'descending' })).toEqual([c, b, a]);
    expect(await names({ filter: OURS, sortBy: 'title' })).toEqual([a, c, b]);
    expect(await names({ filter: OURS, sortBy: 'userName', startIndex: '2', count: '1' })).toEqual([b]);
    expect(await names({ filter: 'emails[type eq "WORK"].value eq "B@acme.example"' })).toEqual([b]);
    expect(await names({ filter: `${OURS} and not (title pr)` })).toEqual([b]);
    expect(
      await names({ filter: `${OURS} and meta.created lt "2015-10-10T14:38:21.8617979-07:00"` }),
    ).toEqual([]);
  });

  it('show what is asked for, also in the answer of a write', async () => {
    const reply = await send('GET', `/Users?attributes=userName&filter=${encodeURIComponent(OURS)}`);
    const [first] = (reply.body as unknown as List).Resources;
    expect(Object.keys(first ?? {}).sort()).toEqual(['id', 'schemas', 'userName']);
    const body = { schemas: [PATCH], Operations: [{ op: 'replace', path: 'title', value: 'new' }] };
    const patched = await send('PATCH', `/Users/${first?.id ?? ''}?attributes=title`, body);
    expect([patched.status, patched.body]).toEqual([200, { schemas: [USER], id: first?.id, title: 'new' }]);
  });

  it('a PATCH on an entra connection is answered without a body, unless it names attributes', async () => {
    const made = await send(
      'POST',
      '/Users',
      { schemas: [USER], userName: 'query.entra@acme.example' },
      'entra',
    );
    const path = `/Users/${String(made.body.id)}`;
    const body = { schemas: [PATCH], Operations: [{ op: 'Replace', path: 'title', value: 't' }] };
    expect((await send('PATCH', path, body, 'entra')).status).toBe(204);
    expect((await send('PATCH', `${path}?attributes=title`, body, 'entra')).status).toBe(200);
  });

  it('discovery says that filters and sorts are served', async () => {
    expect((await send('GET', '/ServiceProviderConfig')).body).toMatchObject({
      filter: { supported: true },
      sort: { supported: true },
    });
  });
});
