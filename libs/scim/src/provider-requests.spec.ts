import { describe, expect, it } from '@jest/globals';
import {
  DialectReading,
  ENTERPRISE_SCHEMA_ID,
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
const ALL: DialectName[] = ['strict', 'entra', 'okta', 'lenient'];
const LOOSE: DialectName[] = ['entra', 'okta', 'lenient'];
const active = (after: JsonObject): unknown => after.active;

/** Requests as identity providers send them: who accepts them, what comes of it, how the others refuse. */
const ROWS: Row[] = [
  [
    'Entra disables, default',
    [{ op: 'Replace', path: 'active', value: 'False' }],
    LOOSE,
    'scim.invalidSyntax',
    active,
    false,
  ],
  ['Entra disables, new flag', [{ op: 'replace', path: 'active', value: false }], ALL, '', active, false],
  [
    'Okta disables, path-less',
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
    'an e-mail that is not there yet',
    [{ op: 'replace', path: 'emails[type eq "home"].value', value: 'h@x.example' }],
    ['entra', 'lenient'],
    'scim.noTarget',
    a => (a.emails as Json[]).length,
    2,
  ],
  [
    'many attributes with dotted and qualified keys',
    [
      {
        op: 'replace',
        value: { displayName: 'Y', 'name.givenName': 'X', [`${ENTERPRISE_SCHEMA_ID}:employeeNumber`]: '7' },
      },
    ],
    ['entra', 'lenient'],
    'scim.invalidPath',
    a => [
      a.displayName,
      (a.name as JsonObject).givenName,
      (a[ENTERPRISE_SCHEMA_ID] as JsonObject).employeeNumber,
    ],
    ['Y', 'X', '7'],
  ],
  [
    'a role chosen by a boolean in quotes',
    [{ op: 'replace', path: 'roles[primary eq "True"].value', value: 'r2' }],
    ['entra', 'lenient'],
    'scim.invalidFilter',
    a => a.roles,
    [{ value: 'r2', primary: true }],
  ],
  [
    'a manager as a bare string',
    [{ op: 'add', path: `${ENTERPRISE_SCHEMA_ID}:manager`, value: 'm1' }],
    ['entra', 'lenient'],
    'scim.invalidValue',
    a => (a[ENTERPRISE_SCHEMA_ID] as JsonObject).manager,
    { value: 'm1' },
  ],
  ['no operation at all', [], ['entra', 'lenient'], 'scim.invalidValue', active, true],
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
  ['removal without a path', [{ op: 'remove' }], [], 'scim.noTarget', active, undefined],
];

describe.each(ROWS)('%s', (_name, operations, accepted, refusal, expected, value) => {
  it.each(ALL)('on a %s connection', dialect => {
    const { after } = patch(dialect, operations);
    if (accepted.includes(dialect)) {
      expect(typeof after).toBe('object');
      expect(expected(after as JsonObject)).toEqual(value);
    } else expect(after).toBe(refusal);
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

  it.each(['__proto__.x', 'constructor.prototype.x', 'toString.x', '__PROTO__'])(
    'does not reach a prototype through the path %s',
    path => {
      for (const dialect of ALL) {
        patch(dialect, [{ op: 'add', path, value: 'polluted' }]);
        expect(({} as Record<string, unknown>).x).toBeUndefined();
      }
    },
  );

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
