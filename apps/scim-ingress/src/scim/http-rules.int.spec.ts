import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startIngress, type Answer, type RunningIngress } from '../testing/running-ingress.js';
import { scimCaller, type ScimCaller } from '../testing/scim-caller.js';

const API = 'urn:ietf:params:scim:api:messages:2.0';
const CORE = 'urn:ietf:params:scim:schemas:core:2.0';
const USER = `${CORE}:User`;

let ingress: RunningIngress;
let token: string;
let ask: ScimCaller;
let id: string;
beforeAll(async () => {
  ingress = await startIngress();
  token = (await ingress.connect('rules')).token;
  ask = scimCaller(ingress, 'rules', token);
  id = await created('kept@x.example');
});
afterAll(() => ingress?.close());

const created = async (userName: string): Promise<string> =>
  String((await ask('POST', '/Users', { schemas: [USER], userName })).json.id);

function expectScimError(answer: Answer, status: number): void {
  expect({ status: answer.status, type: answer.headers.get('content-type'), body: answer.json }).toEqual({
    status,
    type: 'application/scim+json',
    body: expect.objectContaining({ schemas: [`${API}:Error`], status: String(status) }) as object,
  });
}

describe('an entity tag', () => {
  const VERSION_1 = ['W/"1"', '"1"', '*', 'W/"9", W/"1"'];

  it.each(VERSION_1)('in If-None-Match as %s is the version that is known already', async tag => {
    const answer = await ask('GET', `/Users/${id}`, undefined, { 'if-none-match': tag });
    expect([answer.status, answer.text, answer.headers.get('etag')]).toEqual([304, '', 'W/"1"']);
  });

  it.each(VERSION_1)('in If-Match as %s is the version that is meant', async tag => {
    const user = await created(`match-${VERSION_1.indexOf(tag)}@x.example`);
    const body = { schemas: [USER], userName: `match-${VERSION_1.indexOf(tag)}@x.example`, title: 'new' };
    const answer = await ask('PUT', `/Users/${user}`, body, { 'if-match': tag });
    expect([answer.status, answer.json.title]).toEqual([200, 'new']);
  });

  it.each(['W/"9"', '"9"', 'W/"9", W/"8"', '1', ''])('in If-Match as %s is another version', async tag => {
    for (const [method, body] of [
      ['PUT', { schemas: [USER], userName: 'kept@x.example', title: 'lost' }],
      ['PATCH', { schemas: [`${API}:PatchOp`], Operations: [{ op: 'add', path: 'title', value: 'lost' }] }],
      ['DELETE', undefined],
    ] as const)
      expectScimError(await ask(method, `/Users/${id}`, body, { 'if-match': tag }), 412);
    expect((await ask('GET', `/Users/${id}`)).json.title).toBeUndefined();
  });
});

describe('a method that an address does not take', () => {
  it.each([
    ['PUT', '/Users', 'GET, HEAD, POST'],
    ['PATCH', '/Users', 'GET, HEAD, POST'],
    ['DELETE', '/groups/', 'GET, HEAD, POST'],
    ['POST', '/Users/some-id', 'DELETE, GET, HEAD, PATCH, PUT'],
    ['GET', '/Bulk', 'POST'],
    ['GET', '/.search', 'POST'],
    ['GET', '/SecurityEvents', 'POST'],
    ['POST', '/ServiceProviderConfig', 'GET, HEAD'],
    ['PUT', '/Schemas', 'GET, HEAD'],
    ['PATCH', `/Schemas/${USER}`, 'GET, HEAD'],
    ['DELETE', '/ResourceTypes/User?x=1', 'GET, HEAD'],
  ])('%s %s is told which it takes: %s', async (method, path, allowed) => {
    const answer = await ask(method, path, method === 'GET' ? undefined : {});
    expectScimError(answer, 405);
    expect(answer.headers.get('allow')).toBe(allowed);
  });

  it('is told it for OPTIONS without an error', async () => {
    const answer = await ask('OPTIONS', '/Users');
    expect([answer.status, answer.text, answer.headers.get('allow')]).toEqual([204, '', 'GET, HEAD, POST']);
  });

  it('is not confused with an address that is not there', async () => {
    for (const path of ['/Nope', `/Users/${id}/x`, '', '//Users', '/Users;x=1']) {
      const answer = await ask('DELETE', path);
      expectScimError(answer, 404);
      expect(answer.headers.get('allow')).toBeNull();
    }
  });
});

describe('a parameter', () => {
  it('that nobody knows is ignored, also twice', async () => {
    for (const path of ['/Users', '/Groups', `/Users/${id}`])
      expect((await ask('GET', `${path}?foo=1&foo=2`)).status).toBe(200);
  });

  it.each([
    'filter',
    'startIndex',
    'count',
    'cursor',
    'attributes',
    'excludedAttributes',
    'sortBy',
    'sortOrder',
  ])('%s stands there once', async name => {
    const answer = await ask('GET', `/Users?${name}=1&${name}=1`);
    expectScimError(answer, 400);
    expect(answer.json).toMatchObject({ scimType: 'invalidValue', detail: expect.stringContaining(name) });
  });
});

describe('an address', () => {
  it.each([
    ['that is no address', '/Users/%zz', 400],
    ['that ends in half a character', '/Users/%', 400],
    ['with an id that nothing can have', `/Users/${'x'.repeat(2_000)}`, 414],
  ])('%s is refused as SCIM says, and not repeated', async (_what, path, status) => {
    const answer = await ask('GET', path);
    expectScimError(answer, status);
    expect(answer.text).not.toContain(path.slice(7));
  });

  it('may hold the longest filter in any script', async () => {
    const filter = `userName eq "${'漢'.repeat(4_070)}"`;
    const answer = await ask('GET', `/Users?filter=${encodeURIComponent(filter)}`);
    expect([answer.status, answer.json.totalResults]).toEqual([200, 0]);
  });
});

describe('what is answered', () => {
  it.each(['/Users', '/Groups', '/ServiceProviderConfig', '/Schemas', '/ResourceTypes', '/Schemas/none'])(
    'at %s has the type of SCIM without parameters',
    async path => {
      const answer = await ask('GET', path);
      expect(answer.headers.get('content-type')).toBe('application/scim+json');
    },
  );

  it('is UTF-8 and as long as it says', async () => {
    const reply = await ask('POST', '/Users', { schemas: [USER], userName: 'zoë.漢@x.example' });
    expect([reply.status, reply.headers.get('content-type'), reply.json.userName]).toEqual([
      201,
      'application/scim+json',
      'zoë.漢@x.example',
    ]);
    expect(reply.headers.get('content-length')).toBe(String(Buffer.byteLength(reply.text)));
  });
});

describe('a body', () => {
  it('that is compressed is refused with what to do, whatever is in it', async () => {
    const body = { schemas: [USER], userName: 'packed@x.example' };
    const answer = await ask('POST', '/Users', body, { 'content-encoding': 'gzip' });
    expectScimError(answer, 415);
    expect(answer.headers.get('accept-encoding')).toBe('identity');
    const plain = await ask('POST', '/Users', body, { 'content-encoding': 'identity' });
    expect(plain.status).toBe(201);
  });
});

describe('the text of a body', () => {
  const post = (body: Buffer, type: string): Promise<Response> =>
    fetch(`${ingress.baseUrl}/scim/v2/rules/Users`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': type },
      body: new Uint8Array(body),
    });
  const named = (userName: string): string => JSON.stringify({ schemas: [USER], userName });

  it.each(['application/scim+json; charset=utf-8', 'application/json;charset="UTF-8"'])(
    'is UTF-8: %s',
    async type => {
      const reply = await post(Buffer.from(named(`zoë.${type.length}@x.example`)), type);
      expect([reply.status, ((await reply.json()) as { userName: string }).userName]).toEqual([
        201,
        `zoë.${type.length}@x.example`,
      ]);
    },
  );

  it('in another set of characters is refused, and not read as something else', async () => {
    const body = Buffer.from(named('zoë@x.example'), 'latin1');
    expect((await post(body, 'application/scim+json; charset=iso-8859-1')).status).toBe(415);
    const silent = await post(body, 'application/scim+json');
    expect([silent.status, ((await silent.json()) as { scimType: string }).scimType]).toEqual([
      400,
      'invalidSyntax',
    ]);
  });
});

describe('somebody who is not let in', () => {
  it('is told how to prove who they are, in the words of RFC 6750', async () => {
    for (const headers of [{}, { authorization: 'Bearer nobody' }, { authorization: 'Basic eDp5' }]) {
      const reply = await fetch(`${ingress.baseUrl}/scim/v2/rules/Users`, {
        headers: headers as Record<string, string>,
      });
      expect([reply.status, reply.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="sever"']);
    }
  });
});

describe('discovery', () => {
  it.each([
    '/ServiceProviderConfig',
    '/Schemas',
    `/Schemas/${USER}`,
    '/ResourceTypes',
    '/ResourceTypes/User',
  ])('refuses a filter at %s', async path => {
    expectScimError(await ask('GET', `${path}?filter=${encodeURIComponent('name eq "User"')}`), 403);
  });

  it('announces what is there', async () => {
    const config = (await ask('GET', '/ServiceProviderConfig')).json as {
      bulk: { maxOperations: number };
      filter: { maxResults: number };
    };
    const one = { method: 'DELETE', path: '/Users/nobody' };
    const bulk = (n: number): Promise<Answer> =>
      ask('POST', '/Bulk', { schemas: [`${API}:BulkRequest`], Operations: Array(n).fill(one) });
    expect((await bulk(config.bulk.maxOperations)).status).toBe(200);
    expectScimError(await bulk(config.bulk.maxOperations + 1), 413);
    expect(config.filter.maxResults).toBe(200);
  });
});

describe('the members of a message', () => {
  it('have their names in any case, as attributes have', async () => {
    const patched = await ask('PATCH', `/Users/${await created('case@x.example')}`, {
      Schemas: [`${API}:PatchOp`.toUpperCase()],
      OPERATIONS: [{ Op: 'replace', PATH: 'TITLE', Value: 'new' }],
    });
    expect([patched.status, patched.json.title]).toEqual([200, 'new']);
    const found = await ask('POST', '/Users/.search', {
      SCHEMAS: [`${API}:SearchRequest`],
      Filter: 'userName eq "case@x.example"',
      Count: 1,
      Attributes: ['title'],
    });
    expect((found.json.Resources as object[])[0]).toMatchObject({ title: 'new' });
    const made = await ask('POST', '/Bulk', {
      Schemas: [`${API}:BulkRequest`],
      operations: [
        {
          Method: 'POST',
          Path: '/Users',
          BulkID: 'a',
          Data: { schemas: [USER], userName: 'bulk-case@x.example' },
        },
      ],
    });
    expect(made.json.Operations).toEqual([expect.objectContaining({ status: '201', bulkId: 'a' })]);
  });

  it('stand there once', async () => {
    const twice = { schemas: [`${API}:PatchOp`], Operations: [], operations: [] };
    expectScimError(await ask('PATCH', `/Users/${id}`, twice), 400);
  });
});
