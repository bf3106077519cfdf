import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rows } from '@sever/postgres';
import { DIALECT_NAMES, ENTERPRISE_SCHEMA_ID, USER_SCHEMA_ID, type DialectName } from '@sever/scim';
import { connectDialects, type DialectConnections, type ScimAnswer } from '../testing/dialect-connections.js';

const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const ALL = DIALECT_NAMES;
const LOOSE = ALL.filter(name => name !== 'strict');
const LOOSEST = LOOSE.filter(name => name !== 'okta');

const OPTED_OUT = ['sever.subject.registered.v1', 'sever.optout.requested.v1'];
const RESTORED = [...OPTED_OUT, 'sever.optout.restore-requested.v1'];
const UPDATED = ['sever.subject.registered.v1', 'sever.subject.updated.v1'];
const UNTOUCHED = ['sever.subject.registered.v1'];

let ingress: DialectConnections;
beforeAll(async () => {
  ingress = await connectDialects();
}, 60_000);
afterAll(() => ingress?.stop());

/** A person of one connection, and what its identity provider sends about them. */
class Person {
  private constructor(
    private readonly dialect: DialectName,
    readonly userName: string,
    readonly externalId: string,
    readonly id: string,
  ) {}

  static async on(dialect: DialectName): Promise<Person> {
    const [userName, externalId] = [`p-${randomUUID()}@x.example`, randomUUID()];
    const body = { schemas: [USER_SCHEMA_ID], userName, externalId, active: true };
    const made = await ingress.send(dialect, 'POST', '/Users', body);
    expect(made.status).toBe(201);
    return new Person(dialect, userName, externalId, String(made.body.id));
  }

  patch(...operations: object[]): Promise<ScimAnswer> {
    return this.send('PATCH', `/${this.id}`, { schemas: [PATCH_OP], Operations: operations });
  }

  send(method: string, path: string, body?: unknown): Promise<ScimAnswer> {
    return ingress.send(this.dialect, method, `/Users${path}`, body);
  }

  find(filter: string): Promise<ScimAnswer> {
    return this.send('GET', `?filter=${encodeURIComponent(filter)}&startIndex=1&count=100`);
  }

  async isActive(): Promise<unknown> {
    const { status, body } = await this.send('GET', `/${this.id}`);
    return status === 200 ? body.active : status;
  }

  /** Types of all events about this person, in order. */
  async told(): Promise<string[]> {
    const [row] = await rows<{ subject: string }>(
      ingress.db.owner,
      'select subject from scim_resource where id = $1',
      [this.id],
    );
    return (await ingress.eventsOf(row?.subject ?? '')).map(event => event.type);
  }
}

type Shape = {
  shape: string;
  send: (person: Person) => Promise<ScimAnswer>;
  /** What comes first, and is taken on every connection. */
  before?: (person: Person) => Promise<unknown>;
  accepted: readonly DialectName[];
  /** `active` afterwards, or the status of a GET. */
  then: unknown;
  told: string[];
  /** What a refusal leaves behind. */
  toldBefore?: string[];
};

const disabled = (person: Person): Promise<ScimAnswer> =>
  person.patch({ op: 'replace', path: 'active', value: false });
const put = async (person: Person, change: (read: Record<string, unknown>) => object) => {
  const { body } = await person.send('GET', `/${person.id}`);
  return person.send('PUT', `/${person.id}`, change(body));
};

const SHAPES: Shape[] = [
  {
    shape: 'E4: disable, a capital letter and a boolean as text',
    send: p => p.patch({ op: 'Replace', path: 'active', value: 'False' }),
    ...{ accepted: LOOSE, then: false, told: OPTED_OUT },
  },
  {
    shape: 'E5, A2: disable by the letter',
    send: disabled,
    ...{ accepted: ALL, then: false, told: OPTED_OUT },
  },
  {
    shape: 'E6: enable again, as text',
    before: disabled,
    send: p => p.patch({ op: 'Replace', path: 'active', value: 'True' }),
    ...{ accepted: LOOSE, then: true, told: RESTORED, toldBefore: OPTED_OUT },
  },
  {
    shape: 'E8: many attributes in one value, dotted and qualified',
    send: p =>
      p.patch({
        op: 'replace',
        value: {
          displayName: 'Y',
          'name.givenName': 'X',
          [`${ENTERPRISE_SCHEMA_ID}:employeeNumber`]: '7',
        },
      }),
    ...{ accepted: LOOSEST, then: true, told: UPDATED },
  },
  {
    shape: 'E10: a manager as bare text',
    send: p => p.patch({ op: 'Add', path: `${ENTERPRISE_SCHEMA_ID}:manager`, value: 'm1' }),
    ...{ accepted: LOOSEST, then: true, told: UPDATED },
  },
  {
    shape: 'E18: no operation at all',
    send: p => p.patch(),
    ...{ accepted: LOOSEST, then: true, told: UNTOUCHED },
  },
  {
    shape: 'E19: a manager in a list of one, without the URN of the extension',
    send: p => p.patch({ op: 'Add', path: 'manager', value: [{ $ref: 'http://x.example/m1', value: 'm1' }] }),
    ...{ accepted: LOOSE, then: true, told: UPDATED },
  },
  {
    shape: 'E4, E19: disable, with a manager in a list of one',
    send: p =>
      p.patch(
        { op: 'Add', path: `${ENTERPRISE_SCHEMA_ID}:manager`, value: [{ value: 'm1' }] },
        { op: 'Replace', path: 'active', value: 'False' },
      ),
    ...{ accepted: LOOSE, then: false, told: OPTED_OUT },
  },
  {
    shape: 'O4: disable without a path',
    send: p => p.patch({ op: 'replace', value: { active: false } }),
    ...{ accepted: LOOSE, then: false, told: OPTED_OUT },
  },
  {
    shape: 'O5: enable again without a path',
    before: disabled,
    send: p => p.patch({ op: 'replace', value: { active: true } }),
    ...{ accepted: LOOSE, then: true, told: RESTORED, toldBefore: OPTED_OUT },
  },
  {
    shape: 'O5: a password, which is thrown away',
    send: p => p.patch({ op: 'replace', value: { password: 'Hush-4711' } }),
    ...{ accepted: LOOSE, then: true, told: UNTOUCHED },
  },
  {
    shape: 'O6, A1: disable by writing back what was read',
    send: p => put(p, read => ({ ...read, active: false })),
    ...{ accepted: ALL, then: false, told: OPTED_OUT },
  },
  {
    shape: 'O6: write back without `active`, which enables nobody',
    before: disabled,
    send: p => put(p, ({ active: _, ...read }) => ({ ...read, displayName: 'New' })),
    ...{
      accepted: ALL,
      then: false,
      told: [...OPTED_OUT, 'sever.subject.updated.v1'],
      toldBefore: OPTED_OUT,
    },
  },
  {
    shape: 'A1: write back the same, again and again',
    before: p => put(p, read => read),
    send: p => put(p, read => read),
    ...{ accepted: ALL, then: true, told: UNTOUCHED },
  },
  {
    shape: 'O12: create somebody who left once more',
    before: disabled,
    send: p =>
      p.send('POST', '', {
        ...{ schemas: [USER_SCHEMA_ID], userName: p.userName, externalId: p.externalId, active: true },
      }),
    ...{ accepted: ALL, then: true, told: RESTORED, toldBefore: OPTED_OUT },
  },
  {
    shape: 'E17, J1, I1: delete',
    send: p => p.send('DELETE', `/${p.id}`),
    ...{ accepted: ALL, then: 404, told: OPTED_OUT },
  },
  {
    shape: 'delete once more after the answer was lost',
    before: p => p.send('DELETE', `/${p.id}`),
    send: p => p.send('DELETE', `/${p.id}`),
    ...{ accepted: [], then: 404, told: OPTED_OUT, toldBefore: OPTED_OUT },
  },
];

describe.each(SHAPES)('$shape', ({ send, before, accepted, then, told, toldBefore = UNTOUCHED }) => {
  it.each(ALL)('on a %s connection', async dialect => {
    const person = await Person.on(dialect);
    await before?.(person);
    const active = await person.isActive();
    const answer = await send(person);
    expect(answer.text).not.toContain('Hush-4711');
    if (accepted.includes(dialect)) {
      expect([200, 201, 204]).toContain(answer.status);
      expect([await person.isActive(), await person.told()]).toEqual([then, told]);
      return;
    }
    expect([400, 404]).toContain(answer.status);
    expect(answer.headers.get('content-type')).toContain('application/scim+json');
    expect(answer.body).toMatchObject({ status: String(answer.status), detail: expect.any(String) });
    expect([await person.isActive(), await person.told()]).toEqual([active, toldBefore]);
  });
});

describe.each(ALL)('on a %s connection', dialect => {
  it('E3, O3: a creation with everything that providers add is taken, or refused as a whole', async () => {
    const userName = `new-${randomUUID()}@x.example`;
    const body = {
      schemas: [USER_SCHEMA_ID, ENTERPRISE_SCHEMA_ID],
      ...{ userName, active: true, roles: [], groups: [], password: 'Hush-4711' },
      meta: { resourceType: 'User' },
      [ENTERPRISE_SCHEMA_ID]: { department: 'd' },
    };
    const { status, text, body: made } = await ingress.send(dialect, 'POST', '/Users', body);
    expect(text).not.toContain('Hush-4711');
    if (dialect === 'strict') {
      expect([status, made.scimType]).toEqual([400, 'invalidSyntax']);
      return;
    }
    expect(status).toBe(201);
    expect(made).toMatchObject({ userName, active: true, id: expect.any(String) });
  });

  it('E1, E2, O1, O7: nobody is 200 and empty, and somebody who left is found', async () => {
    const person = await Person.on(dialect);
    await disabled(person);
    const nobody = await person.find(`userName eq "${randomUUID()}"`);
    expect([nobody.status, nobody.body]).toMatchObject([200, { totalResults: 0, Resources: [] }]);
    for (const filter of [
      `userName eq "${person.userName.toUpperCase()}"`,
      `externalId eq "${person.externalId}"`,
    ]) {
      const { status, body } = await person.find(filter);
      expect([status, body]).toMatchObject([
        200,
        { totalResults: 1, startIndex: 1, itemsPerPage: 1, Resources: [{ id: person.id, active: false }] },
      ]);
    }
  });

  it('E20: whether a manager is set already is answered, or refused by the letter', async () => {
    const person = await Person.on(dialect);
    const path = `${ENTERPRISE_SCHEMA_ID}:manager`;
    expect((await person.patch({ op: 'add', path, value: { value: 'M1' } })).status).toBeLessThan(300);
    const literal = (text: string): string =>
      (LOOSEST as readonly string[]).includes(dialect) ? text : `"${text}"`;
    for (const [manager, count] of [
      ['M1', 1],
      ['m1', 0],
    ] as const) {
      const filter = `id eq ${literal(person.id)} and manager eq ${literal(manager)}`;
      const query = `?filter=${encodeURIComponent(filter)}&attributes=id`;
      const { status, body } = await person.send('GET', query);
      if (dialect === 'strict') expect([status, body.scimType]).toEqual([400, 'invalidFilter']);
      else expect([status, body.totalResults]).toEqual([200, count]);
    }
  });

  it('a second creation of somebody active is 409 and changes nothing', async () => {
    const person = await Person.on(dialect);
    const body = { schemas: [USER_SCHEMA_ID], userName: person.userName.toUpperCase(), active: true };
    const { status, body: refused } = await person.send('POST', '', body);
    expect([status, refused.scimType]).toEqual([409, 'uniqueness']);
    expect(await person.told()).toEqual(UNTOUCHED);
  });

  it('nobody is signed in: /Me is 501', async () => {
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE', 'POST']) {
      const { status, body } = await ingress.send(dialect, method, '/Me', method === 'GET' ? undefined : {});
      expect([status, body.status]).toEqual([501, '501']);
    }
  });
});
