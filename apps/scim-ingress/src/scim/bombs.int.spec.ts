import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rows } from '@sever/postgres';
import type { DialectName } from '@sever/scim';
import { connectDialects, type DialectConnections, type ScimAnswer } from '../testing/dialect-connections.js';

const API = 'urn:ietf:params:scim:api:messages:2.0';
const CORE = 'urn:ietf:params:scim:schemas:core:2.0';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const DIALECTS: DialectName[] = ['strict', 'entra', 'okta', 'lenient'];

/** Names that reach into the prototype of an object, as providers’ attributes could be named. */
const POLLUTING = [
  ...['__proto__', '__PROTO__', 'constructor', 'Constructor', 'prototype', 'toString', 'hasOwnProperty'],
  ...['valueOf', '__defineGetter__', 'isPrototypeOf'],
];
/** Where such a name can stand in a path or a key. */
const PLACES: ((name: string) => string)[] = [
  name => name,
  name => `${name}.polluted`,
  name => `name.${name}`,
  name => `name.${name}.polluted`,
  name => `emails[type eq "work"].${name}`,
  name => `${name}[value eq "x"].polluted`,
  name => `${CORE}:User:${name}`,
  name => `${CORE}:User:${name}.polluted`,
  name => `${ENTERPRISE}:${name}`,
  name => `${ENTERPRISE}.${name}.polluted`,
  name => `constructor.prototype.${name}`,
];

const patch = (...Operations: object[]): object => ({ schemas: [`${API}:PatchOp`], Operations });
const user = (more: object): object => ({
  schemas: [`${CORE}:User`],
  userName: 'new.bomb@x.example',
  ...more,
});
/** An object with an own member of any name, which a literal would take for its prototype. */
const named = (name: string, value: unknown): object =>
  Object.defineProperty({}, name, { value, enumerable: true });
const nested = (depth: number, value: unknown): unknown =>
  depth === 0 ? value : { a: nested(depth - 1, value) };

let doors: DialectConnections;
const ids = new Map<DialectName, string>();
beforeAll(async () => {
  doors = await connectDialects();
  for (const dialect of DIALECTS) {
    const emails = [{ value: 'a@x.example', type: 'work' }];
    const body = user({ userName: `bombed.${dialect}@x.example`, emails });
    ids.set(dialect, String((await doors.send(dialect, 'POST', '/Users', body)).body.id));
  }
});
afterAll(() => doors?.stop());

const prototypes = [Object.prototype, Array.prototype, Function.prototype, String.prototype, Map.prototype];
const names = (): string[][] => prototypes.map(p => Object.getOwnPropertyNames(p));
const stored = (): Promise<unknown[]> =>
  rows(doors.db.owner, 'select id, version, attributes, active from scim_resource order by id');

/** Sends something to every dialect that must be refused, as SCIM says it, and must change nothing. */
async function refusedEverywhere(
  send: (dialect: DialectName, id: string) => Promise<ScimAnswer>,
  statuses: readonly number[] = [400],
): Promise<void> {
  for (const dialect of DIALECTS) {
    const answer = await send(dialect, ids.get(dialect) ?? '');
    expect({ dialect, status: answer.status, statuses }).toEqual({
      dialect,
      status: statuses.find(status => status === answer.status),
      statuses,
    });
    expect(answer.body).toMatchObject({ schemas: [`${API}:Error`], status: String(answer.status) });
  }
}

async function changesNothing(attack: () => Promise<void>): Promise<void> {
  const [before, pristine] = [await stored(), names()];
  await attack();
  expect(names()).toEqual(pristine);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  expect(await stored()).toEqual(before);
}

describe.each(POLLUTING)('the name %s', name => {
  it.each(PLACES.map((place, i) => [i, place(name), place] as const))(
    'is refused as a path (%i: %s)',
    async (_i, path) => {
      await changesNothing(() =>
        refusedEverywhere((dialect, id) =>
          doors.send(dialect, 'PATCH', `/Users/${id}`, patch({ op: 'add', path, value: 'yes' })),
        ),
      );
    },
  );

  it.each(PLACES.map((place, i) => [i, place(name)] as const))(
    'is refused as a key of a value (%i: %s)',
    async (_i, key) => {
      await changesNothing(() =>
        refusedEverywhere((dialect, id) =>
          doors.send(dialect, 'PATCH', `/Users/${id}`, patch({ op: 'add', value: named(key, 'yes') })),
        ),
      );
    },
  );

  it('is refused within a value, an element, an extension, a message and a Bulk', async () => {
    const bad = named(name, { polluted: 'yes' });
    const bodies: [string, (id: string) => string, object][] = [
      ['POST', () => '/Users', user({ name: bad })],
      ['POST', () => '/Users', user({ emails: [bad] })],
      ['POST', () => '/Users', user({ [ENTERPRISE]: bad })],
      ['POST', () => '/Users', Object.assign(bad, user({}))],
      ['PUT', id => `/Users/${id}`, user({ name: named(name, 'yes') })],
      ['PATCH', id => `/Users/${id}`, patch({ op: 'add', path: 'name', value: named(name, 'yes') })],
      [
        'PATCH',
        id => `/Users/${id}`,
        patch(Object.assign(named(name, 'x'), { op: 'remove', path: 'title' })),
      ],
      ['POST', () => '/.search', Object.assign(named(name, 'x'), { schemas: [`${API}:SearchRequest`] })],
      [
        'POST',
        () => '/Bulk',
        {
          schemas: [`${API}:BulkRequest`],
          Operations: [{ method: 'POST', path: '/Users', bulkId: 'b', data: user({ name: named(name, 1) }) }],
        },
      ],
    ];
    await changesNothing(async () => {
      for (const [method, at, body] of bodies)
        await refusedEverywhere((dialect, id) => doors.send(dialect, method, at(id), body));
    });
  });

  it('is no attribute of a filter, an order or a choice', async () => {
    await changesNothing(async () => {
      for (const query of [`filter=${name} eq "x"`, `filter=name.${name} pr`, `sortBy=${name}`])
        await refusedEverywhere(dialect =>
          doors.send(dialect, 'GET', `/Users?${new URLSearchParams(query)}`),
        );
      for (const dialect of DIALECTS) {
        const chosen = new URLSearchParams({ attributes: `${name},name.${name}` });
        const { status, body } = await doors.send(dialect, 'GET', `/Users/${ids.get(dialect)}?${chosen}`);
        expect([status, Object.keys(body).sort()]).toEqual([200, ['id', 'schemas']]);
      }
    });
  });
});

describe('a request that is too much', () => {
  const eq = 'userName eq "x"';
  it.each([
    ['deep', '('.repeat(500) + eq + ')'.repeat(500)],
    ['deep in negations', 'not ('.repeat(100) + eq + ')'.repeat(100)],
    ['deep in brackets', 'emails['.repeat(100)],
    ['never closed', '('.repeat(4_000)],
    ['long', `userName eq "${'x'.repeat(5_000)}"`],
    ['wide', Array(101).fill('a pr').join(' or ').replaceAll('a pr', eq)],
    ['of quotes', `userName eq ${'"'.repeat(3_001)}`],
    ['of backslashes', `userName eq "${'\\'.repeat(3_001)}"`],
    ['of half a character', 'userName eq "\\ud800"'],
    ['of a NUL', 'userName eq "\\u0000"'],
    ['of spaces', `${' '.repeat(4_000)}userName`],
    ['of a number without an end', `meta.created gt ${'9'.repeat(4_000)}`],
  ])('as a filter: %s', async (_what, filter) => {
    await changesNothing(async () => {
      await refusedEverywhere(dialect =>
        doors.send(dialect, 'POST', '/Users/.search', { schemas: [`${API}:SearchRequest`], filter }),
      );
      if (filter.length < 4_500)
        await refusedEverywhere(dialect =>
          doors.send(dialect, 'GET', `/Users?filter=${encodeURIComponent(filter)}`),
        );
      await refusedEverywhere((dialect, id) =>
        doors.send(
          dialect,
          'PATCH',
          `/Users/${id}`,
          patch({ op: 'remove', path: `emails[${filter.replaceAll('userName', 'value')}]` }),
        ),
      );
    });
  });

  it('as operations of a PATCH', async () => {
    const many = Array.from({ length: 1_001 }, () => ({ op: 'add', path: 'title', value: 'x' }));
    await changesNothing(() =>
      refusedEverywhere((dialect, id) => doors.send(dialect, 'PATCH', `/Users/${id}`, patch(...many))),
    );
  });

  it('as operations of a Bulk', async () => {
    const Operations = Array.from({ length: 1_001 }, (_, i) => ({
      method: 'POST',
      path: '/Users',
      bulkId: `b${i}`,
      data: user({ userName: `many.${i}@x.example` }),
    }));
    await changesNothing(() =>
      refusedEverywhere(
        dialect => doors.send(dialect, 'POST', '/Bulk', { schemas: [`${API}:BulkRequest`], Operations }),
        [413],
      ),
    );
  });

  it('as bytes, announced or not', async () => {
    const large = JSON.stringify(user({ title: 'x'.repeat(1_100_000) }));
    await changesNothing(() =>
      refusedEverywhere(dialect => doors.send(dialect, 'POST', '/Users', large), [413]),
    );
  });

  it('as depth', async () => {
    await changesNothing(async () => {
      for (const depth of [33, 10_000])
        await refusedEverywhere(dialect =>
          doors.send(
            dialect,
            'POST',
            '/Users',
            `{"schemas":["${CORE}:User"],"name":${'['.repeat(depth)}${']'.repeat(depth)}}`,
          ),
        );
      await refusedEverywhere((dialect, id) =>
        doors.send(
          dialect,
          'PATCH',
          `/Users/${id}`,
          patch({ op: 'add', path: 'name', value: nested(40, 1) }),
        ),
      );
    });
  });

  it('as headers', async () => {
    await changesNothing(async () => {
      for (const dialect of DIALECTS)
        for (const [name, value] of [
          ['if-match', `W/"${'9'.repeat(8_000)}"`],
          ['if-match', 'W/"1",'.repeat(1_000) + '"x'],
          ['if-none-match', '"'.repeat(8_000)],
          ['prefer', 'respond-async;'.repeat(400) + '"'],
          ['prefer', '"'.repeat(8_000)],
          ['traceparent', '0'.repeat(8_000)],
          ['content-type', `application/scim+json;${' a=b;'.repeat(1_500)}`],
        ] as const) {
          const { status } = await doors.send(dialect, 'PUT', '/Users/nobody', user({}), { [name]: value });
          expect([404, 415]).toContain(status);
        }
    });
  });
});
