import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { rows } from '@sever/postgres';
import { startIngress, type Answer, type RunningIngress } from '../testing/running-ingress.js';
import { scimCaller, type ScimCaller } from '../testing/scim-caller.js';

const API = 'urn:ietf:params:scim:api:messages:2.0';
const CORE = 'urn:ietf:params:scim:schemas:core:2.0';
const PATCH = `${API}:PatchOp`;
const OWNER = 'owner';
/** Who asks for what is not theirs: a connection of the same tenant, and one of another. */
const STRANGERS = [
  ['of the same tenant', 'neighbour', 'acme'],
  ['of another tenant', 'foreigner', 'globex'],
] as const;

let ingress: RunningIngress;
const tokens = new Map<string, string>();
let user: string;
let group: string;
let etag: string;

const ask = (connection: string, ...request: Parameters<ScimCaller>): Promise<Answer> =>
  scimCaller(ingress, connection, tokens.get(connection) ?? '')(...request);
const userBody = (userName: string): object => ({ schemas: [`${CORE}:User`], userName, externalId: 'E-1' });

beforeAll(async () => {
  ingress = await startIngress();
  tokens.set(OWNER, (await ingress.connect(OWNER, 'acme')).token);
  for (const [, id, tenant] of STRANGERS) tokens.set(id, (await ingress.connect(id, tenant)).token);
  const made = await ask(OWNER, 'POST', '/Users', userBody('owned@x.example'));
  user = String(made.json.id);
  etag = made.headers.get('etag') ?? '';
  const grouped = { schemas: [`${CORE}:Group`], displayName: 'owned group', members: [{ value: user }] };
  group = String((await ask(OWNER, 'POST', '/Groups', grouped)).json.id);
  for (const [, id] of STRANGERS) await ask(id, 'POST', '/Users', userBody(`${id}@x.example`));
});
afterAll(() => ingress?.close());

/** What a client sees of an answer, the id and what differs from answer to answer taken out. */
function seen(answer: Answer, id: string): unknown {
  const headers = Object.fromEntries([...answer.headers].filter(([name]) => name !== 'date'));
  return { status: answer.status, text: answer.text.replaceAll(id, '(id)'), headers };
}

/** Everything that the owner has and every event about it. */
async function owned(): Promise<{ resources: unknown[]; events: unknown[]; user: string; group: string }> {
  const { owner } = ingress.db;
  return {
    resources: await rows(owner, `select * from scim_resource where connection = $1 order by id`, [OWNER]),
    user: (await ask(OWNER, 'GET', `/Users/${user}`)).text,
    group: (await ask(OWNER, 'GET', `/Groups/${group}`)).text,
    events: await rows(
      owner,
      `select "offset", type from log_record
       where key in (select 'acme:' || subject from scim_resource where connection = $1) order by "offset"`,
      [OWNER],
    ),
  };
}

const BODIES: [string, string, (id: string) => unknown][] = [
  ['GET', '', () => undefined],
  ['GET', '?attributes=userName', () => undefined],
  ['HEAD', '', () => undefined],
  ['PUT', '', () => userBody('taken@x.example')],
  ['PATCH', '', () => ({ schemas: [PATCH], Operations: [{ op: 'replace', path: 'active', value: false }] })],
  ['DELETE', '', () => undefined],
];
const GROUP_BODIES: [string, string, (id: string) => unknown][] = [
  ['GET', '', () => undefined],
  ['PUT', '', () => ({ schemas: [`${CORE}:Group`], displayName: 'taken' })],
  ['PATCH', '', () => ({ schemas: [PATCH], Operations: [{ op: 'remove', path: 'members' }] })],
  ['DELETE', '', () => undefined],
];

describe.each(STRANGERS)('to a connection %s', (_who, stranger, _tenant) => {
  const own = (id: string): string => `${stranger}-${id}`;

  it.each([
    ...BODIES.map(([method, query, body]) => ['Users', method, query, body] as const),
    ...GROUP_BODIES.map(([method, query, body]) => ['Groups', method, query, body] as const),
  ])('%s: %s%s of what is not theirs is answered like nobody’s', async (type, method, query, body) => {
    const before = await owned();
    expect(before.events.length).toBeGreaterThan(0);
    const theirs = type === 'Users' ? user : group;
    const nobodys = randomUUID();
    // With the version that the owner knows, and without: it says nothing either.
    const conditions: Record<string, string>[] = [
      {},
      { 'if-match': etag },
      { 'if-match': '*' },
      { 'if-none-match': etag },
    ];
    for (const headers of conditions) {
      const at = (id: string): Promise<Answer> =>
        ask(stranger, method, `/${type}/${id}${query}`, body(id), headers);
      const [said, unknown] = [await at(theirs), await at(nobodys)];
      expect(said.status).toBe(404);
      expect(seen(said, theirs)).toEqual(seen(unknown, nobodys));
    }
    expect(await owned()).toEqual(before);
  });

  it('answers every operation of a Bulk request alike', async () => {
    const before = await owned();
    const at = (userId: string, groupId: string): Promise<Answer> =>
      ask(stranger, 'POST', '/Bulk', {
        schemas: [`${API}:BulkRequest`],
        Operations: [
          ...BODIES.filter(([method, query]) => query === '' && !['GET', 'HEAD'].includes(method)).map(
            ([method, , body]) => ({ method, path: `/Users/${userId}`, version: etag, data: body(userId) }),
          ),
          ...GROUP_BODIES.filter(([method]) => method !== 'GET').map(([method, , body]) => ({
            method,
            path: `/Groups/${groupId}`,
            data: body(groupId),
          })),
        ],
      });
    const nobodys = [randomUUID(), randomUUID()] as const;
    const said = await at(user, group);
    const unknown = await at(...nobodys);
    const anonymous = (text: string, ids: readonly string[]): string =>
      ids.reduce((rest, id, i) => rest.replaceAll(id, `(id ${i})`), text);
    expect((said.json.Operations as { status: string }[]).map(({ status }) => status)).toEqual(
      Array(6).fill('404'),
    );
    expect(anonymous(said.text, [user, group])).toBe(anonymous(unknown.text, nobodys));
    expect(await owned()).toEqual(before);
  });

  it.each<[string, () => string]>([
    ['Users', () => `id eq "${user}"`],
    ['Users', () => 'userName eq "owned@x.example"'],
    ['Users', () => 'userName sw "owned"'],
    ['Users', () => `groups.value eq "${group}"`],
    ['Users', () => `meta.location co "${user}"`],
    ['Groups', () => `id eq "${group}"`],
    ['Groups', () => 'displayName eq "owned group"'],
    ['Groups', () => `members.value eq "${user}"`],
  ])('finds none of %s, however it looks for them (%#)', async (type, filterOf) => {
    const filter = filterOf();
    const empty = { totalResults: 0, Resources: [] };
    const query = new URLSearchParams({ filter }).toString();
    expect((await ask(OWNER, 'GET', `/${type}?${query}`)).json.totalResults).toBe(1);
    expect((await ask(stranger, 'GET', `/${type}?${query}`)).json).toMatchObject(empty);
    const search = { schemas: [`${API}:SearchRequest`], filter };
    expect((await ask(stranger, 'POST', `/${type}/.search`, search)).json).toMatchObject(empty);
    expect((await ask(stranger, 'POST', '/.search', search)).json).toMatchObject(empty);
  });

  it('lists and sorts only what is its own', async () => {
    for (const query of ['', '?sortBy=userName', '?sortBy=meta.created&sortOrder=descending', '?cursor=']) {
      const { json } = await ask(stranger, 'GET', `/Users${query}`);
      expect((json.Resources as { userName: string }[]).map(({ userName }) => userName)).toEqual([
        own('').slice(0, -1) + '@x.example',
      ]);
    }
    expect((await ask(stranger, 'GET', '/Groups')).json.totalResults).toBe(0);
  });

  it('takes no cursor of another: like one that nobody made', async () => {
    const more = await ask(OWNER, 'POST', '/Users', userBody(`second-${stranger}@x.example`));
    expect(more.status).toBe(201);
    const first = await ask(OWNER, 'GET', '/Users?cursor=&count=1');
    const cursor = String(first.json.nextCursor);
    const said = await ask(stranger, 'GET', `/Users?count=1&cursor=${cursor}`);
    const forged = await ask(stranger, 'GET', `/Users?count=1&cursor=${cursor.split('').reverse().join('')}`);
    expect([said.status, said.json.scimType]).toEqual([400, 'invalidCursor']);
    expect(said.text).toBe(forged.text);
  });

  it('learns nothing from a member or a manager that is not theirs', async () => {
    const before = await owned();
    const nobodys = randomUUID();
    const made = await ask(stranger, 'POST', '/Groups', {
      schemas: [`${CORE}:Group`],
      displayName: 'guess',
      members: [{ value: user }, { value: group }, { value: nobodys }],
    });
    expect(made.json.members).toEqual([{ value: user }, { value: group }, { value: nobodys }]);
    const filter = new URLSearchParams({ filter: 'members.type pr' }).toString();
    expect((await ask(stranger, 'GET', `/Groups?${filter}`)).json.totalResults).toBe(0);
    await ask(stranger, 'DELETE', `/Groups/${String(made.json.id)}`);
    expect(await owned()).toEqual(before);
  });

  it('is given a name and an externalId that another connection has', async () => {
    const theirs = await ask(stranger, 'POST', '/Users', userBody('owned@x.example'));
    expect(theirs.status).toBe(201);
    expect(theirs.json.id).not.toBe(user);
    expect((await ask(OWNER, 'GET', `/Users/${user}`)).json.active).toBe(true);
  });

  it('neither fetches nor takes away how a request of another ended', async () => {
    const patch = { schemas: [PATCH], Operations: [{ op: 'add', path: 'title', value: stranger }] };
    const later = await ask(OWNER, 'PATCH', `/Users/${user}`, patch, { prefer: 'respond-async' });
    expect(later.status).toBe(202);
    const poll = (who: string, body: object): Promise<Answer> =>
      ask(who, 'POST', '/SecurityEvents', { returnImmediately: true, ...body });
    const told = Object.keys((await poll(OWNER, {})).json.sets as object);
    expect(told.length).toBeGreaterThan(0);
    const said = await poll(stranger, { ack: told, setErrs: { [String(told[0])]: { err: 'jwtHdr' } } });
    expect([said.status, said.json]).toEqual([200, { sets: {} }]);
    expect(Object.keys((await poll(OWNER, {})).json.sets as object)).toEqual(told);
  });

  it('is not let in at the address of another, whatever it asks for there', async () => {
    const token = tokens.get(stranger) ?? '';
    const at = (connection: string, method: string, path: string): Promise<Answer> =>
      ingress.ask(method, `/scim/v2/${connection}${path}`, { token });
    for (const [method, path] of [
      ['GET', `/Users/${user}`],
      ['GET', '/Users?cursor='],
      ['DELETE', `/Users/${user}`],
      ['GET', '/Me'],
      ['GET', '/ServiceProviderConfig'],
      ['POST', '/Bulk'],
      ['POST', '/.search'],
      ['POST', '/SecurityEvents'],
    ] as const) {
      const [said, unknown] = [await at(OWNER, method, path), await at('no-such-connection', method, path)];
      expect(said.status).toBe(401);
      expect(seen(said, OWNER)).toEqual(seen(unknown, 'no-such-connection'));
    }
    expect((await ask(OWNER, 'GET', `/Users/${user}`)).status).toBe(200);
  });

  it('says of itself that it is nobody', async () => {
    expect((await ask(stranger, 'GET', '/Me')).status).toBe(501);
  });
});
