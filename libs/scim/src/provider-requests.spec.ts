import { describe, expect, it } from '@jest/globals';
import {
  DIALECT_NAMES,
  DialectReading,
  ENTERPRISE_SCHEMA_ID,
  ScimError,
  USER,
  USER_SCHEMA_ID,
  applyPatch,
  changedAttributes,
  checkRequired,
  dialectOf,
  newResource,
  parseJson,
  parsePatch,
  replacedResource,
  type DialectName,
  type Json,
  type JsonObject,
} from './index.js';

const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const stored: JsonObject = {
  userName: 'a@x.example',
  externalId: 'e1',
  active: true,
  emails: [{ value: 'a@x.example', type: 'work', primary: true }],
  roles: [{ value: 'r1', primary: true }],
};

/** What a PATCH makes of the stored user, or the code of its refusal; and the rules that fired. */
function patch(dialect: DialectName, operations: Json): { after: JsonObject | string; rules: string[] } {
  const reading = new DialectReading(dialectOf(dialect));
  try {
    const parsed = parsePatch(
      parseJson(JSON.stringify({ schemas: [PATCH], Operations: operations })),
      reading,
    );
    return { after: checkRequired(applyPatch(stored, parsed, USER, reading), USER), rules: reading.rules() };
  } catch (error) {
    if (error instanceof Error && 'code' in error)
      return { after: String(error.code), rules: reading.rules() };
    throw error;
  }
}

type Row = [
  name: string,
  operations: Json,
  accepted: DialectName[],
  refusal: string,
  expected: (after: JsonObject) => unknown,
  value: unknown,
];
const ALL = DIALECT_NAMES;
const LOOSE = ALL.filter(name => name !== 'strict');
const LOOSEST = LOOSE.filter(name => name !== 'okta');
const active = (after: JsonObject): unknown => after.active;

/** Requests as identity providers send them: who accepts them, what comes of it, how the others refuse. */
const ROWS: Row[] = [
  [
    'E4: Entra disables, default',
    [{ op: 'Replace', path: 'active', value: 'False' }],
    LOOSE,
    'scim.invalidSyntax',
    active,
    false,
  ],
  ['E5: Entra disables, new flag', [{ op: 'replace', path: 'active', value: false }], ALL, '', active, false],
  [
    'O4: Okta disables, path-less',
    [{ op: 'replace', value: { active: false } }],
    LOOSE,
    'scim.invalidPath',
    active,
    false,
  ],
  [
    'a URN-qualified path',
    [{ op: 'replace', path: `${USER_SCHEMA_ID}:active`, value: false }],
    ALL,
    '',
    active,
    false,
  ],
  ['the path in capitals', [{ op: 'replace', path: 'ACTIVE', value: false }], ALL, '', active, false],
  [
    'a boolean that is none',
    [{ op: 'replace', path: 'active', value: 'maybe' }],
    [],
    'scim.invalidValue',
    active,
    undefined,
  ],
  [
    'one e-mail by its type',
    [{ op: 'replace', path: 'emails[type eq "work"].value', value: 'n@x.example' }],
    ALL,
    '',
    a => a.emails,
    [{ value: 'n@x.example', type: 'work', primary: true }],
  ],
  [
    'E7: an e-mail that is not there yet',
    [{ op: 'replace', path: 'emails[type eq "home"].value', value: 'h@x.example' }],
    LOOSEST,
    'scim.noTarget',
    a => (a.emails as Json[]).length,
    2,
  ],
  [
    'E8: many attributes with dotted and qualified keys',
    [
      {
        op: 'replace',
        value: { displayName: 'Y', 'name.givenName': 'X', [`${ENTERPRISE_SCHEMA_ID}:employeeNumber`]: '7' },
      },
    ],
    LOOSEST,
    'scim.invalidPath',
    a => [
      a.displayName,
      (a.name as JsonObject).givenName,
      (a[ENTERPRISE_SCHEMA_ID] as JsonObject).employeeNumber,
    ],
    ['Y', 'X', '7'],
  ],
  [
    'E9: a role chosen by a boolean in quotes',
    [{ op: 'replace', path: 'roles[primary eq "True"].value', value: 'r2' }],
    LOOSEST,
    'scim.invalidFilter',
    a => a.roles,
    [{ value: 'r2', primary: true }],
  ],
  [
    'E10: a manager as a bare string',
    [{ op: 'add', path: `${ENTERPRISE_SCHEMA_ID}:manager`, value: 'm1' }],
    LOOSEST,
    'scim.invalidValue',
    a => (a[ENTERPRISE_SCHEMA_ID] as JsonObject).manager,
    { value: 'm1' },
  ],
  ['E18: no operation at all', [], LOOSEST, 'scim.invalidValue', active, true],
  [
    'an unknown attribute',
    [{ op: 'replace', path: 'favouriteColour', value: 'red' }],
    LOOSE,
    'scim.invalidPath',
    active,
    true,
  ],
  [
    'a password',
    [{ op: 'replace', path: 'password', value: 'x' }],
    LOOSE,
    'scim.invalidSyntax',
    a => JSON.stringify(a).includes('password'),
    false,
  ],
  [
    'removal of what must stay',
    [{ op: 'remove', path: 'userName' }],
    [],
    'scim.mutability',
    active,
    undefined,
  ],
  [
    'E6: Entra re-enables, default',
    [{ op: 'Replace', path: 'active', value: 'True' }],
    LOOSE,
    'scim.invalidSyntax',
    active,
    true,
  ],
  [
    'E11: a sub-attribute in capitals',
    [{ op: 'replace', path: 'emails[type eq "work"].Value', value: 'n@x.example' }],
    ALL,
    '',
    a => a.emails,
    [{ value: 'n@x.example', type: 'work', primary: true }],
  ],
  [
    'E11: an address that is not there yet, in capitals',
    [{ op: 'Add', path: 'addresses[type eq "work"].Formatted', value: 'Street 1' }],
    LOOSEST,
    '',
    a => a.addresses,
    [{ type: 'work', formatted: 'Street 1' }],
  ],
  [
    'O5: a password, path-less',
    [{ op: 'replace', value: { password: 'x' } }],
    LOOSE,
    'scim.invalidPath',
    a => JSON.stringify(a).includes('password'),
    false,
  ],
  [
    'A2: authentik changes active only',
    [{ op: 'replace', path: 'active', value: false }],
    ALL,
    '',
    active,
    false,
  ],
  [
    'an extension as an object',
    [{ op: 'replace', path: ENTERPRISE_SCHEMA_ID, value: { department: 'd', manager: { value: 'm' } } }],
    ALL,
    '',
    a => a[ENTERPRISE_SCHEMA_ID],
    { department: 'd', manager: { value: 'm' } },
  ],
  [
    'an extension as an object that names itself',
    [
      {
        op: 'replace',
        path: ENTERPRISE_SCHEMA_ID,
        value: { schemas: [ENTERPRISE_SCHEMA_ID], department: 'd' },
      },
    ],
    ALL,
    '',
    a => a[ENTERPRISE_SCHEMA_ID],
    { department: 'd' },
  ],
  [
    'the core schema as a key',
    [{ op: 'replace', value: { [USER_SCHEMA_ID]: { active: 'False' } } }],
    LOOSE,
    'scim.invalidPath',
    active,
    false,
  ],
  [
    'known schemas by name',
    [{ op: 'add', path: 'schemas', value: [ENTERPRISE_SCHEMA_ID] }],
    ALL,
    '',
    a => a.schemas,
    undefined,
  ],
  ['silence about active', [{ op: 'remove', path: 'active' }], [], 'scim.mutability', active, undefined],
  [
    'null for active',
    [{ op: 'replace', path: 'active', value: null }],
    [],
    'scim.mutability',
    active,
    undefined,
  ],
  [
    'a value of every element',
    [{ op: 'replace', path: 'emails.type', value: 'home' }],
    ALL,
    '',
    a => a.emails,
    [{ value: 'a@x.example', type: 'home', primary: true }],
  ],
  [
    'a value of elements that are not there',
    [{ op: 'replace', path: 'phoneNumbers.value', value: '1' }],
    LOOSEST,
    'scim.noTarget',
    a => a.phoneNumbers,
    [{ value: '1' }],
  ],
  [
    'a path that is no path',
    [{ op: 'replace', path: 'emails[type eq "work"', value: 'x' }],
    [],
    'scim.invalidPath',
    active,
    undefined,
  ],
  [
    'a filter that is none',
    [{ op: 'replace', path: 'emails[type xx "work"].value', value: 'x' }],
    [],
    'scim.invalidFilter',
    active,
    undefined,
  ],
  [
    'a filter on a single value',
    [{ op: 'replace', path: 'name[familyName eq "x"].givenName', value: 'x' }],
    [],
    'scim.invalidPath',
    active,
    undefined,
  ],
  [
    'an unknown operation',
    [{ op: 'move', path: 'active', value: true }],
    [],
    'scim.invalidSyntax',
    active,
    undefined,
  ],
  ['no value', [{ op: 'replace', path: 'active' }], [], 'scim.invalidValue', active, undefined],
  [
    'a list for a single value',
    [{ op: 'replace', path: 'title', value: ['x', 'y'] }],
    [],
    'scim.invalidValue',
    active,
    undefined,
  ],
  ['removal without a path', [{ op: 'remove' }], [], 'scim.noTarget', active, undefined],
];

describe.each(ROWS)('%s', (_name, operations, accepted, refusal, expected, value) => {
  it.each(ALL)('on a %s connection', dialect => {
    const { after } = patch(dialect, operations);
    if (accepted.includes(dialect)) {
      expect(typeof after).toBe('object');
      expect(expected(after as JsonObject)).toEqual(value);
    } else if (refusal) expect(after).toBe(refusal);
    else expect(typeof after).toBe('string');
  });
});

describe('a PATCH', () => {
  it('changes nothing when one of its operations fails', () => {
    const before = structuredClone(stored);
    expect(
      patch('entra', [
        { op: 'replace', path: 'active', value: false },
        { op: 'remove', path: 'userName' },
      ]).after,
    ).toBe('scim.mutability');
    expect(stored).toEqual(before);
  });

  it('that adds what is there already changes nothing', () => {
    const { after } = patch('strict', [
      { op: 'add', path: 'emails', value: [{ value: 'a@x.example', type: 'work' }] },
    ]);
    expect(changedAttributes(stored, after as JsonObject)).toEqual([]);
  });

  it('leaves one primary element', () => {
    const { after } = patch('strict', [
      { op: 'add', path: 'emails', value: [{ value: 'b@x.example', type: 'home', primary: true }] },
    ]);
    const primaries = ((after as JsonObject).emails as JsonObject[])
      .filter(e => e.primary === true)
      .map(e => e.value);
    expect(primaries).toEqual(['b@x.example']);
  });

  it('names the rules that made it understood', () => {
    expect(patch('entra', [{ op: 'Replace', path: 'active', value: 'False' }]).rules).toEqual([
      'op-any-case',
      'string-boolean',
    ]);
  });

  it.each([
    '__proto__.x',
    'constructor.prototype.x',
    'toString.x',
    '__PROTO__',
    'name.__proto__',
    `${ENTERPRISE_SCHEMA_ID}:__proto__`,
    `${ENTERPRISE_SCHEMA_ID}:manager.constructor`,
    'emails[type eq "work"].__proto__',
  ])('refuses the path %s on every dialect and changes no prototype', path => {
    for (const dialect of ALL) {
      expect(patch(dialect, [{ op: 'add', path, value: 'polluted' }]).after).toBe('scim.invalidPath');
      expect(patch(dialect, [{ op: 'add', value: { [path]: 'polluted' } }]).after).toMatch(/^scim\./);
      expect(({} as Record<string, unknown>).x).toBeUndefined();
    }
  });

  it('of many elements keeps the one that was made primary last', () => {
    const { after } = patch('strict', [
      { op: 'add', path: 'emails', value: [{ value: 'b@x.example', primary: true }] },
      { op: 'add', path: 'emails', value: [{ value: 'A@x.example', primary: true }] },
    ]);
    expect((after as JsonObject).emails).toEqual([
      { value: 'a@x.example', type: 'work', primary: true },
      { value: 'b@x.example', primary: false },
    ]);
  });

  it('replaces a chosen element as a whole and merges an addition to it', () => {
    const path = 'emails[type eq "work"]';
    const value = { value: 'n@x.example', type: 'work' };
    expect(patch('strict', [{ op: 'replace', path, value }]).after).toMatchObject({ emails: [value] });
    expect((patch('strict', [{ op: 'add', path, value }]).after as JsonObject).emails).toEqual([
      { ...value, primary: true },
    ]);
  });

  it('removes what it names and nothing else', () => {
    const removed = (path: string): Json | undefined =>
      (patch('strict', [{ op: 'remove', path }]).after as JsonObject).emails;
    expect(removed('emails[type eq "work"]')).toBeUndefined();
    expect(removed('emails[type eq "home"]')).toEqual(stored.emails);
    expect(removed('emails[type eq "work"].type')).toEqual([{ value: 'a@x.example', primary: true }]);
    expect(removed('emails')).toBeUndefined();
  });

  it('names what it left out', () => {
    const reading = new DialectReading(dialectOf('entra'));
    applyPatch(
      stored,
      [{ op: 'replace', path: undefined, value: { shoeSize: 4, favouriteColour: 'red' } }],
      USER,
      reading,
    );
    expect(reading.droppedNames()).toEqual(['favouriteColour', 'shoeSize']);
  });

  it.each(ALL)('with a read-only attribute on a %s connection', dialect => {
    const of = (value: string): string => {
      const reading = new DialectReading(dialectOf(dialect));
      try {
        applyPatch(stored, [{ op: 'replace', path: 'id', value }], USER, reading, { id: 'i1' });
        return reading.rules().join();
      } catch (error) {
        return error instanceof ScimError ? error.code : 'crash';
      }
    };
    const dropped = dialect === 'strict' ? 'scim.mutability' : 'readonly-dropped';
    expect([of('i1'), of('other')]).toEqual([dropped, dialect === 'okta' ? 'scim.mutability' : dropped]);
  });

  it.each(['{"__proto__":{"x":1}}', '{"a":{"constructor":1}}', '[{"PROTOTYPE":1}]'])(
    'refuses the body %s',
    body => {
      expect(() => parseJson(body)).toThrow(
        expect.objectContaining({ status: 400, scimType: 'invalidSyntax' }),
      );
    },
  );
});

describe('a PUT', () => {
  const put = (body: Json): JsonObject =>
    replacedResource({ ...stored, active: false }, body, USER, new DialectReading(dialectOf('okta')));

  it('that says nothing about active re-activates nobody', () => {
    expect(put({ schemas: [USER_SCHEMA_ID], userName: 'a@x.example' }).active).toBe(false);
  });

  it('may repeat read-only attributes', () => {
    const body = {
      schemas: [USER_SCHEMA_ID],
      userName: 'a@x.example',
      id: 'x',
      meta: { version: 'y' },
      groups: [],
      active: true,
    };
    expect(put(body)).toEqual({ userName: 'a@x.example', active: true });
  });

  it('needs a userName', () => {
    expect(() => put({ schemas: [USER_SCHEMA_ID], active: true })).toThrow(
      expect.objectContaining({ scimType: 'invalidValue' }),
    );
  });
});

describe.each(LOOSE)('on a %s connection', dialect => {
  const reading = (): DialectReading => new DialectReading(dialectOf(dialect));

  it('O3: a POST with a password and groups keeps neither', () => {
    const body = {
      schemas: [USER_SCHEMA_ID],
      userName: 'b@x.example',
      password: 'secret',
      groups: [],
      active: true,
      emails: [{ primary: true, value: 'b@x.example', type: 'work' }],
    };
    const read = reading();
    expect(newResource(body, USER, read)).toEqual({
      userName: 'b@x.example',
      active: true,
      emails: body.emails,
    });
    expect(read.rules()).toEqual(['password-discarded']);
  });

  it('O6, A1: a PUT of the whole object as it was read changes what it says and nothing else', () => {
    const body = {
      ...stored,
      schemas: [USER_SCHEMA_ID],
      id: 'i1',
      meta: { resourceType: 'User', version: 'W/"1"' },
      groups: [{ value: 'g1' }],
      active: false,
    };
    const after = replacedResource(stored, body, USER, reading());
    expect(changedAttributes(stored, after)).toEqual(['active']);
    expect(after.active).toBe(false);
  });
});

describe('a POST', () => {
  it('of Entra with strings for booleans and capital keys is understood', () => {
    const body = {
      schemas: [USER_SCHEMA_ID, ENTERPRISE_SCHEMA_ID, 'urn:unknown:1.0:User'],
      UserName: 'b@x.example',
      active: 'True',
      roles: [],
      meta: { resourceType: 'User' },
      [ENTERPRISE_SCHEMA_ID]: { Department: 'd', Manager: { Value: 'm' } },
      password: 'secret',
    };
    expect(newResource(body, USER, new DialectReading(dialectOf('entra')))).toEqual({
      userName: 'b@x.example',
      active: true,
      [ENTERPRISE_SCHEMA_ID]: { department: 'd', manager: { value: 'm' } },
    });
    expect(() => newResource(body, USER, new DialectReading(dialectOf('strict')))).toThrow(
      expect.objectContaining({ status: 400 }),
    );
  });
});
