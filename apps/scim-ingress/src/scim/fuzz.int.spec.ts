import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { startIngress, type Answer, type RunningIngress } from '../testing/running-ingress.js';

/** Requests of the run; a long one sets SCIM_FUZZ_REQUESTS and another SCIM_FUZZ_SEED. */
const REQUESTS = Number(process.env['SCIM_FUZZ_REQUESTS'] ?? 1_500);
const SEED = Number(process.env['SCIM_FUZZ_SEED'] ?? 5);
const AT_ONCE = 8;
/** An answer may take so many times as long as the middle one. */
const SLOWEST = 100;

const API = 'urn:ietf:params:scim:api:messages:2.0';
const CORE = 'urn:ietf:params:scim:schemas:core:2.0';
const ERROR = `${API}:Error`;

type Sent = { method: string; path: string; body?: string; headers: Record<string, string> };

const NAMES = [
  ...[
    'userName',
    'active',
    'emails',
    'emails.value',
    'name.givenName',
    'members',
    'displayName',
    'externalId',
  ],
  ...[
    'id',
    'meta.created',
    'password',
    'groups',
    'schemas',
    '__proto__',
    'constructor',
    '__proto__.x',
    'ACTIVE',
    'toString',
    'emails.__proto__',
    `${CORE}:User:active`,
    `${CORE}:User:__proto__.x`,
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
    '',
  ],
];
const text = fc.oneof(
  fc.constantFrom(
    ...NAMES,
    'True',
    'False',
    'a@x.example',
    '\0',
    '\ud800',
    'İ',
    '"',
    '\\',
    "o'clock",
    '${__UUID}',
  ),
  fc.string({ unit: 'binary', maxLength: 12 }),
);
const leaf = fc.oneof(text, fc.constantFrom<unknown>(null, true, false, 0, -1, 1e308, [], {}));
const value = fc.letrec<{ any: unknown }>(tie => ({
  any: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.dictionary(fc.constantFrom(...NAMES), tie('any'), { maxKeys: 4 }),
    fc.array(tie('any'), { maxLength: 3 }),
  ),
})).any;
const filter = fc.oneof(
  fc
    .array(
      fc.oneof(
        fc.constantFrom(
          ...NAMES,
          'eq',
          'co',
          'gt',
          'pr',
          'and',
          'or',
          'not',
          '(',
          ')',
          '[',
          ']',
          '"x"',
          'true',
        ),
        text,
      ),
      { maxLength: 9 },
    )
    .map(t => t.join(' ')),
  fc
    .tuple(fc.constantFrom(...NAMES), fc.constantFrom('eq', 'ne', 'sw', 'gt'), text)
    .map(([a, op, t]) => `${a} ${op} ${JSON.stringify(t)}`),
  fc.integer({ min: 1, max: 2_000 }).map(n => '('.repeat(n)),
);
const operation = fc.record(
  {
    op: fc.constantFrom<unknown>('add', 'replace', 'remove', 'Replace', 'move', null),
    path: fc.oneof(
      fc.constantFrom(...NAMES),
      filter.map(f => `emails[${f}].value`),
      filter.map(f => `members[${f}]`),
      leaf,
    ),
    value,
  },
  { requiredKeys: ['op'] },
);
const patch = fc.record({
  schemas: fc.constant([`${API}:PatchOp`]),
  Operations: fc.array(operation, { maxLength: 3 }),
});
const user = fc.tuple(value, text).map(([more, userName]) => ({
  ...{ schemas: [`${CORE}:User`], userName },
  ...(typeof more === 'object' && more !== null && !Array.isArray(more) && more),
}));
const group = fc.record(
  { schemas: fc.constant([`${CORE}:Group`]), displayName: text, members: value },
  { requiredKeys: ['schemas'] },
);
const search = fc.record(
  {
    schemas: fc.constant([`${API}:SearchRequest`]),
    filter,
    count: leaf,
    cursor: leaf,
    startIndex: leaf,
    sortBy: text,
    attributes: value,
  },
  { requiredKeys: ['schemas'] },
);

/** Requests about resources that are there, are not, or cannot be. */
function requests(users: readonly string[], groups: readonly string[]): fc.Arbitrary<Sent> {
  const id = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...users) },
    { weight: 1, arbitrary: text.map(encodeURIComponent0) },
  );
  const groupId = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...groups) },
    { weight: 1, arbitrary: text.map(encodeURIComponent0) },
  );
  const bulkOperation = fc.record(
    {
      method: fc.constantFrom<unknown>('POST', 'PATCH', 'PUT', 'DELETE', 'GET', null),
      path: fc.oneof(
        id.map(i => `/Users/${i}`),
        fc.constantFrom<unknown>('/Users', '/Groups', '/Users/bulkId:a', '/Me', '', 5),
      ),
      bulkId: fc.constantFrom<unknown>('a', 'b', 'a', 7),
      version: text,
      data: fc.oneof(user, patch, value),
    },
    { requiredKeys: ['method', 'path'] },
  );
  const bulk = fc.record(
    {
      schemas: fc.constant([`${API}:BulkRequest`]),
      failOnErrors: leaf,
      Operations: fc.oneof(fc.array(bulkOperation, { maxLength: 4 }), value),
    },
    { requiredKeys: ['schemas'] },
  );
  const query = fc
    .record(
      {
        filter,
        sortBy: text,
        sortOrder: text,
        count: text,
        startIndex: text,
        cursor: text,
        attributes: text,
        excludedAttributes: text,
      },
      { requiredKeys: [] },
    )
    .map(q =>
      new URLSearchParams(
        Object.entries(q).map(([k, v]): [string, string] => [k, v.toWellFormed()]),
      ).toString(),
    );
  const bodyOf = (made: fc.Arbitrary<unknown>): fc.Arbitrary<string> =>
    fc.oneof(
      { weight: 12, arbitrary: made.map(v => JSON.stringify(v) ?? '') },
      { weight: 1, arbitrary: fc.string({ maxLength: 40 }) },
    );
  const headers = fc.record(
    {
      'if-match': fc.constantFrom('*', 'W/"1"', '"x"', '', 'W/"9999999999999999999"'),
      'if-none-match': fc.constantFrom('*', 'W/"1"', 'nonsense'),
      'content-type': fc.constantFrom(
        'application/scim+json',
        'application/json; charset=utf-8',
        'text/plain',
        'application/xml',
        '',
      ),
      accept: fc.constantFrom('*/*', 'application/xml', 'nonsense'),
      'x-forwarded-for': fc.constantFrom('127.0.0.1', "'; drop table x; --"),
      prefer: fc.constantFrom('respond-async', 'return=minimal', ',,;='),
    },
    { requiredKeys: ['content-type'] },
  );
  const write = (
    method: string,
    path: fc.Arbitrary<string>,
    body: fc.Arbitrary<unknown>,
  ): fc.Arbitrary<Sent> => fc.record({ method: fc.constant(method), path, body: bodyOf(body), headers });
  const read = (path: fc.Arbitrary<string>): fc.Arbitrary<Sent> =>
    fc.record({ method: fc.constantFrom('GET', 'GET', 'GET', 'DELETE', 'HEAD', 'OPTIONS'), path, headers });
  const root = (...paths: string[]): fc.Arbitrary<string> => fc.constantFrom(...paths);
  return fc.oneof(
    read(
      fc
        .tuple(root('/Users', '/Groups', '/Schemas', '/Me', '', '/ServiceProviderConfig'), query)
        .map(([p, q]) => `${p}?${q}`),
    ),
    read(id.map(i => `/Users/${i}`)),
    read(groupId.map(i => `/Groups/${i}`)),
    write('POST', root('/Users', '/users/', '/Me'), user),
    write('POST', root('/Groups'), group),
    write('POST', root('/.search', '/Users/.search', '/Groups/.search'), search),
    write('POST', root('/Bulk'), bulk),
    write(
      'PUT',
      id.map(i => `/Users/${i}`),
      user,
    ),
    write(
      'PATCH',
      id.map(i => `/Users/${i}`),
      patch,
    ),
    write(
      'PUT',
      groupId.map(i => `/Groups/${i}`),
      group,
    ),
    write(
      'PATCH',
      groupId.map(i => `/Groups/${i}`),
      patch,
    ),
  );
}

/** Of a text that may hold half a character, which no address can. */
const encodeURIComponent0 = (part: string): string => encodeURIComponent(part.toWellFormed());

const prototypes = [Object.prototype, Array.prototype, Function.prototype, String.prototype, Map.prototype];
const state = (): string => prototypes.map(p => Object.getOwnPropertyNames(p).length).join();

describe('whatever is sent to the door', () => {
  let ingress: RunningIngress;
  let token: string;
  const users: string[] = [];
  const groups: string[] = [];
  beforeAll(async () => {
    ingress = await startIngress();
    token = (await ingress.connect('fuzz')).token;
    for (let i = 0; i < 30; i += 1) {
      const body = { schemas: [`${CORE}:User`], userName: `u${i}@x.example`, active: true };
      users.push(String((await ingress.ask('POST', '/scim/v2/fuzz/Users', { token, body })).json.id));
    }
    for (let i = 0; i < 10; i += 1) {
      const body = { schemas: [`${CORE}:Group`], displayName: `g${i}`, members: [{ value: users[i] }] };
      groups.push(String((await ingress.ask('POST', '/scim/v2/fuzz/Groups', { token, body })).json.id));
    }
  });
  afterAll(() => ingress?.close());

  const send = ({ method, path, body, headers }: Sent): Promise<Answer> =>
    ingress.ask(method, `/scim/v2/fuzz${path}`, {
      token,
      headers,
      ...(body !== undefined && method !== 'GET' && method !== 'HEAD' && { body }),
    });

  /** What is wrong with an answer, if anything is. */
  function fault(answer: Answer): string | undefined {
    if (answer.status >= 500 && answer.status !== 501) return `answered ${answer.status}: ${answer.text}`;
    if (answer.status < 400 || answer.text === '') return undefined;
    const { schemas, status, detail } = answer.json as {
      schemas?: string[];
      status?: string;
      detail?: string;
    };
    const isScim = schemas?.[0] === ERROR && status === String(answer.status) && (detail?.length ?? 0) > 5;
    return isScim ? undefined : `no SCIM error: ${answer.text}`;
  }

  it('is answered, in the form of SCIM, in time, and changes nothing of the process', async () => {
    const pristine = state();
    const sent = fc.sample(requests(users, groups), { numRuns: REQUESTS, seed: SEED });
    const took = new Map<Sent, number>();
    const faults: unknown[] = [];
    const statuses = new Map<number, number>();
    const waiting = [...sent];
    const client = async (): Promise<void> => {
      for (let request = waiting.pop(); request; request = waiting.pop()) {
        const began = performance.now();
        const answer = await send(request);
        took.set(request, performance.now() - began);
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        const wrong = fault(answer);
        if (wrong) faults.push({ request, wrong });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, client));
    expect(faults.slice(0, 5)).toEqual([]);
    expect(state()).toBe(pristine);
    // Both happened often: what is refused alone would prove little.
    expect(statuses.get(200)).toBeGreaterThan(REQUESTS / 50);
    expect(statuses.get(400)).toBeGreaterThan(REQUESTS / 50);
    await expectNoneIsSlow(took);
    expect((await ingress.ask('GET', '/healthz')).status).toBe(200);
  }, 900_000);

  /** One that was slow among others may have waited for them: it counts when it is slow alone as well. */
  async function expectNoneIsSlow(took: ReadonlyMap<Sent, number>): Promise<void> {
    const times = [...took.values()].sort((a, b) => a - b);
    const most = (times[Math.floor(times.length / 2)] ?? 0) * SLOWEST;
    for (const [request] of [...took].filter(([, time]) => time > most)) {
      const alone: number[] = [];
      for (let i = 0; i < 3; i += 1) {
        const began = performance.now();
        await send(request);
        alone.push(performance.now() - began);
      }
      expect({ request, isSlow: Math.min(...alone) > most }).toEqual({ request, isSlow: false });
    }
  }
});
