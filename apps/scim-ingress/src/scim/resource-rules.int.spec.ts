import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { rows } from '@sever/postgres';
import { startIngress, type Answer, type RunningIngress } from '../testing/running-ingress.js';
import { scimCaller, type ScimCaller } from '../testing/scim-caller.js';

const API = 'urn:ietf:params:scim:api:messages:2.0';
const CORE = 'urn:ietf:params:scim:schemas:core:2.0';
const USER = `${CORE}:User`;

type Meta = {
  version: string;
  lastModified: string;
  created: string;
  location: string;
  resourceType: string;
};

/** What RFC 7643 and RFC 7644 say of resources, at the door of a connection that keeps to the letter. */
let ingress: RunningIngress;
let ask: ScimCaller;
beforeAll(async () => {
  ingress = await startIngress();
  ask = scimCaller(ingress, 'letter', (await ingress.connect('letter')).token);
});
afterAll(() => ingress?.close());

const userOf = (more: object = {}): { userName: string } => ({
  ...{ schemas: [USER], userName: `${randomUUID()}@x.example` },
  ...more,
});
const made = async (more: object = {}): Promise<{ id: string; userName: string; meta: Meta }> => {
  const answer = await ask('POST', '/Users', userOf(more));
  expect(answer.status).toBe(201);
  return answer.json as { id: string; userName: string; meta: Meta };
};
const patch = (id: string, ...Operations: object[]): Promise<Answer> =>
  ask('PATCH', `/Users/${id}`, { schemas: [`${API}:PatchOp`], Operations });
const found = async (filter: string): Promise<unknown> =>
  (await ask('GET', `/Users?${new URLSearchParams({ filter })}`)).json.totalResults;
const events = async (): Promise<number> => (await rows(ingress.db.owner, 'select 1 from log_record')).length;
const errorOf = ({ status, json }: Answer): unknown[] => [status, json.scimType];

describe('a user who was deleted', () => {
  it('is answered like nobody by everything, found by nothing, and leaves the name', async () => {
    const { id, userName, meta } = await made({ externalId: 'gone' });
    expect((await ask('DELETE', `/Users/${id}`)).status).toBe(204);
    const before = await events();
    const nobodys = randomUUID();
    for (const [method, body] of [
      ['GET', undefined],
      ['PUT', userOf()],
      ['PATCH', { schemas: [`${API}:PatchOp`], Operations: [{ op: 'add', path: 'title', value: 'x' }] }],
      ['DELETE', undefined],
      ['DELETE', undefined],
    ] as const) {
      const [said, unknown] = [
        await ask(method, `/Users/${id}`, body),
        await ask(method, `/Users/${nobodys}`, body),
      ];
      expect([method, said.status]).toEqual([method, 404]);
      expect(said.text.replaceAll(id, nobodys)).toBe(unknown.text);
    }
    expect(await events()).toBe(before);
    for (const filter of [
      `id eq "${id}"`,
      `userName eq "${userName}"`,
      `meta.location eq "${meta.location}"`,
    ])
      expect([filter, await found(filter)]).toEqual([filter, 0]);
    for (const query of ['?cursor=&count=200', '?count=200', '?sortBy=userName&count=200'])
      expect((await ask('GET', `/Users${query}`)).text).not.toContain(id);
    const again = await made({ userName });
    expect(again.id).not.toBe(id);
  });
});

describe('a user who is inactive', () => {
  it('is there for reads, lists and filters, and says so', async () => {
    const { id, userName } = await made({ active: false });
    expect((await ask('GET', `/Users/${id}`)).json.active).toBe(false);
    expect(await found(`userName eq "${userName}" and active eq false`)).toBe(1);
    expect(await found(`id eq "${id}"`)).toBe(1);
  });

  it.each([{}, { active: null }])('stays so when a PUT says nothing of it: %j', async silence => {
    const { id, userName } = await made({ active: false });
    const put = await ask('PUT', `/Users/${id}`, userOf({ userName, title: 'new', ...silence }));
    expect([put.status, put.json.title, put.json.active]).toEqual([200, 'new', false]);
  });
});

describe('a name', () => {
  it('belongs to one user, in any case, whichever write asks for it', async () => {
    const { userName } = await made();
    const taken = userName.toUpperCase();
    const other = await made();
    const before = await events();
    for (const answer of [
      await ask('POST', '/Users', userOf({ userName: taken })),
      await ask('PUT', `/Users/${other.id}`, userOf({ userName: taken })),
      await patch(other.id, { op: 'replace', path: 'userName', value: taken }),
    ])
      expect(errorOf(answer)).toEqual([409, 'uniqueness']);
    expect(await events()).toBe(before);
    expect((await ask('GET', `/Users/${other.id}`)).json.userName).toBe(other.userName);
  });

  it('alone is unique: an externalId and an address are not, and an externalId has its case', async () => {
    const shared = { externalId: `X-${randomUUID()}`, emails: [{ value: 'all@x.example' }] };
    const [first, second] = [await made(shared), await made(shared)];
    expect(first.id).not.toBe(second.id);
    expect(await found(`externalId eq "${shared.externalId}"`)).toBe(2);
    expect(await found(`externalId eq "${shared.externalId.toLowerCase()}"`)).toBe(0);
  });
});

describe('a PATCH', () => {
  it('is done as a whole or not at all', async () => {
    const { id } = await made({ title: 'before' });
    const before = await events();
    const answer = await patch(
      id,
      { op: 'replace', path: 'title', value: 'after' },
      { op: 'replace', path: 'active', value: false },
      { op: 'replace', path: 'active', value: 'perhaps' },
    );
    expect(errorOf(answer)).toEqual([400, 'invalidValue']);
    const now = await ask('GET', `/Users/${id}`);
    expect([now.json.title, now.json.active, now.headers.get('etag')]).toEqual(['before', true, 'W/"1"']);
    expect(await events()).toBe(before);
  });

  it('that adds what is there changes nothing, not even when it was changed', async () => {
    const emails = [{ value: 'a@x.example', type: 'work' }];
    const { id, meta } = await made({ emails, title: 'same' });
    const before = await events();
    for (const operation of [
      { op: 'add', path: 'emails', value: emails },
      { op: 'add', path: 'title', value: 'same' },
      { op: 'replace', path: 'active', value: true },
      { op: 'remove', path: 'emails[value eq "nobody@x.example"]' },
      { op: 'remove', path: 'nickName' },
    ]) {
      const answer = await patch(id, operation);
      expect([operation, answer.status, answer.json.meta]).toEqual([operation, 200, meta]);
    }
    expect(await events()).toBe(before);
  });

  it.each([
    ['a removal of everything', { op: 'remove' }, 'noTarget'],
    [
      'an element that is not there',
      { op: 'replace', path: 'emails[type eq "x"].value', value: 'x' },
      'noTarget',
    ],
    ['an attribute that nobody may write', { op: 'replace', path: 'id', value: 'x' }, 'mutability'],
    [
      'the time it was made',
      { op: 'replace', path: 'meta.created', value: '2020-01-01T00:00:00Z' },
      'mutability',
    ],
    ['the groups of a user', { op: 'add', path: 'groups', value: [{ value: 'x' }] }, 'mutability'],
    ['what must be there', { op: 'remove', path: 'userName' }, 'mutability'],
    ['nothing for what must be there', { op: 'replace', path: 'userName', value: '' }, 'invalidValue'],
    ['an attribute that nobody knows', { op: 'add', path: 'shoe', value: 'x' }, 'invalidPath'],
    ['a filter that is none', { op: 'remove', path: 'emails[shoe eq "x"]' }, 'invalidFilter'],
    ['elements of what has none', { op: 'remove', path: 'title[value eq "x"]' }, 'invalidPath'],
    ['another operation', { op: 'move', path: 'title' }, 'invalidSyntax'],
  ])('is refused for %s', async (_what, operation, scimType) => {
    const { id } = await made();
    expect(errorOf(await patch(id, operation))).toEqual([400, scimType]);
  });
});

describe('of several values', () => {
  const two = [
    { value: 'a@x.example', primary: true },
    { value: 'b@x.example', primary: true },
  ];
  const primaries = (answer: Answer): unknown =>
    (answer.json.emails as { primary?: boolean }[]).filter(({ primary }) => primary === true).length;

  it('one is primary, however they are written', async () => {
    const { id, userName } = await made();
    expect(primaries(await ask('POST', '/Users', userOf({ emails: two })))).toBe(1);
    expect(primaries(await ask('PUT', `/Users/${id}`, userOf({ userName, emails: two })))).toBe(1);
    for (const operation of [
      { op: 'add', path: 'emails', value: [{ value: 'c@x.example', primary: true }] },
      { op: 'replace', path: 'emails[value eq "a@x.example"].primary', value: true },
      { op: 'replace', path: 'emails.primary', value: true },
      { op: 'replace', path: 'emails', value: two },
    ])
      expect([operation, primaries(await patch(id, operation))]).toEqual([operation, 1]);
  });
});

describe('an answer', () => {
  it('has its version and address in its headers as in its meta, and ignores what a client made up', async () => {
    const wanted = { id: 'mine', meta: { resourceType: 'Shoe', version: 'W/"9"' }, groups: [{ value: 'x' }] };
    const post = await ask('POST', '/Users', userOf(wanted));
    const { id, meta } = post.json as { id: string; meta: Meta };
    expect(meta).toEqual({
      resourceType: 'User',
      created: meta.lastModified,
      lastModified: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as unknown,
      location: `${ingress.baseUrl}/scim/v2/letter/Users/${id}`,
      version: 'W/"1"',
    });
    expect([post.headers.get('location'), post.headers.get('etag')]).toEqual([meta.location, meta.version]);
    expect(post.json).not.toHaveProperty('groups');
    for (const answer of [
      await ask('PUT', `/Users/${id}`, { ...post.json, ...wanted, title: 'x' }),
      await patch(id, { op: 'add', path: 'title', value: 'y' }),
      await ask('GET', `/Users/${id}`),
    ]) {
      expect(answer.json.id).toBe(id);
      expect(answer.headers.get('etag')).toBe((answer.json.meta as Meta).version);
      expect(answer.headers.get('content-type')).toBe('application/scim+json');
    }
  });

  it('always has id and schemas, and of the rest what is asked for', async () => {
    const { id } = await made({ title: 't', name: { givenName: 'g', familyName: 'f' } });
    const keys = async (query: string): Promise<string[]> =>
      Object.keys((await ask('GET', `/Users/${id}?${query}`)).json).sort();
    expect(await keys('excludedAttributes=id,schemas,meta,userName,name,active')).toEqual([
      'id',
      'schemas',
      'title',
    ]);
    expect(await keys(`attributes=TITLE,${USER}:name.givenName`)).toEqual(['id', 'name', 'schemas', 'title']);
    const { json } = await ask('GET', `/Users/${id}?attributes=name.givenName`);
    expect(json.name).toEqual({ givenName: 'g' });
  });

  it('with a list is never longer than asked, and counts from one', async () => {
    await Promise.all([made(), made(), made()]);
    const list = async (query: string) => (await ask('GET', `/Users?${query}`)).json;
    const none = { Resources: [], itemsPerPage: 0, startIndex: 1 };
    for (const count of ['0', '-1']) {
      const answer = await list(`count=${count}`);
      expect(answer).toMatchObject(none);
      expect(answer.totalResults).toBeGreaterThan(2);
    }
    expect(await list('startIndex=-5&count=1')).toMatchObject({ startIndex: 1, itemsPerPage: 1 });
    expect(await list('startIndex=100000')).toMatchObject({ Resources: [], startIndex: 100_000 });
    expect(errorOf(await ask('GET', '/Users?filter=shoe%20eq%20%22x%22'))).toEqual([400, 'invalidFilter']);
  });

  it('to a question about schemas tells of no password', async () => {
    const { text } = await ask('GET', '/Schemas');
    expect(text).toContain('userName');
    expect(text.toLowerCase()).not.toContain('password');
    expect((await ask('GET', '/ServiceProviderConfig')).json.changePassword).toEqual({ supported: false });
  });
});
