import { describe, expect, it } from '@jest/globals';
import {
  DIALECT_NAMES,
  DialectReading,
  ENTERPRISE_SCHEMA_ID,
  ScimError,
  USER,
  USER_SCHEMA_ID,
  applyPatch,
  checkRequired,
  dialectOf,
  newResource,
  parseJson,
  parsePatch,
  parseSchema,
  replacedResource,
  withExtensions,
  type DialectName,
  type Json,
  type JsonObject,
} from './index.js';

const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const LOOSE = DIALECT_NAMES.filter(name => name !== 'strict');
const REF = 'http://x.example/scim/Users/00aa';
const MANAGER = { $ref: REF, value: '00aa' };
const stored: JsonObject = {
  userName: 'a@x.example',
  active: true,
  [ENTERPRISE_SCHEMA_ID]: { department: 'd', manager: { value: 'm0' } },
};

type Outcome = { after: JsonObject | string; rules: string[]; dropped: string[] };

function outcome(dialect: DialectName, attempt: (reading: DialectReading) => JsonObject): Outcome {
  const reading = new DialectReading(dialectOf(dialect));
  const told = (after: JsonObject | string): Outcome => ({
    ...{ after, rules: reading.rules(), dropped: reading.droppedNames() },
  });
  try {
    return told(attempt(reading));
  } catch (error) {
    if (error instanceof ScimError) return told(error.code);
    throw error;
  }
}

const patch = (dialect: DialectName, ...operations: Json[]): Outcome =>
  outcome(dialect, reading => {
    const message = parseJson(JSON.stringify({ schemas: [PATCH], Operations: operations }));
    return checkRequired(applyPatch(stored, parsePatch(message, reading), USER, reading), USER);
  });

const body = (more: JsonObject): JsonObject => ({
  ...{ schemas: [USER_SCHEMA_ID, ENTERPRISE_SCHEMA_ID], userName: 'b@x.example' },
  ...more,
});
const post = (dialect: DialectName, more: JsonObject): Outcome =>
  outcome(dialect, reading => newResource(body(more), USER, reading));

const enterprise = ({ after }: Outcome): Json | undefined =>
  typeof after === 'string' ? after : after[ENTERPRISE_SCHEMA_ID];

describe.each(LOOSE)('an attribute of an extension without its URN on a %s connection', dialect => {
  it('E19: sets the manager, given as a list of one', () => {
    const done = patch(dialect, { op: 'Add', path: 'manager', value: [MANAGER] });
    expect(enterprise(done)).toEqual({ department: 'd', manager: MANAGER });
    expect(done.rules).toEqual(['bare-extension-name', 'list-of-one', 'op-any-case']);
    expect(done.dropped).toEqual([]);
  });

  it('E19: is no obstacle to who leaves in the same PATCH', () => {
    const { after } = patch(
      dialect,
      { op: 'Add', path: `${ENTERPRISE_SCHEMA_ID}:manager`, value: [MANAGER] },
      { op: 'Replace', path: 'active', value: 'False' },
    );
    expect(after).toMatchObject({ active: false, [ENTERPRISE_SCHEMA_ID]: { manager: MANAGER } });
  });

  it('is found in a path with a sub-attribute, in a path-less value, and in any case', () => {
    expect(enterprise(patch(dialect, { op: 'replace', path: 'manager.value', value: 'm1' }))).toEqual({
      ...{ department: 'd', manager: { value: 'm1' } },
    });
    const value = { DEPARTMENT: 'e', Manager: { Value: 'm1' } };
    expect(enterprise(patch(dialect, { op: 'replace', value }))).toEqual({
      ...{ department: 'e', manager: { value: 'm1' } },
    });
  });

  it('is removed', () => {
    expect(enterprise(patch(dialect, { op: 'Remove', path: 'manager' }))).toEqual({ department: 'd' });
    expect(enterprise(patch(dialect, { op: 'remove', path: 'department' }))).toEqual({
      manager: { value: 'm0' },
    });
  });

  it('E21: is taken from a resource, where nulls say nothing', () => {
    expect(enterprise(post(dialect, { department: null, manager: null }))).toBeUndefined();
    const made = post(dialect, { department: 'e', manager: [MANAGER] });
    expect(enterprise(made)).toEqual({ department: 'e', manager: MANAGER });
    expect(made.rules).toEqual(['bare-extension-name', 'list-of-one']);
    const put = outcome(dialect, reading =>
      replacedResource(stored, body({ manager: MANAGER }), USER, reading),
    );
    expect(enterprise(put)).toEqual({ manager: MANAGER });
  });

  it('counts less than what the extension itself says', () => {
    const own = { [ENTERPRISE_SCHEMA_ID]: { manager: { value: 'm1' } } };
    for (const both of [
      { manager: MANAGER, department: 'e', ...own },
      { ...own, manager: MANAGER, department: 'e' },
    ]) {
      const made = post(dialect, both);
      expect(enterprise(made)).toEqual({ department: 'e', manager: { value: 'm1' } });
      expect(made.dropped).toEqual(['manager']);
    }
    expect(post(dialect, { manager: MANAGER, Manager: MANAGER }).after).toBe('scim.invalidSyntax');
  });

  it('is checked like any other', () => {
    expect(patch(dialect, { op: 'replace', path: 'department', value: 7 }).after).toBe('scim.invalidValue');
    expect(patch(dialect, { op: 'replace', path: 'manager.displayName', value: 'M' }).rules).toContain(
      dialect === 'okta' ? 'bare-extension-name' : 'readonly-dropped',
    );
  });

  it('is not guessed when two extensions have it', () => {
    const id = 'urn:example:params:scim:schemas:extension:post:1.0:User';
    const type = withExtensions(USER, [
      parseSchema({ id, attributes: [{ name: 'manager' }, { name: 'desk' }] }),
    ]);
    const reading = new DialectReading(dialectOf(dialect));
    const after = applyPatch(
      stored,
      [
        { op: 'replace', path: 'manager', value: 'm1' },
        { op: 'replace', path: 'manager.value', value: 'm1' },
        { op: 'replace', path: 'desk', value: '4' },
        { op: 'replace', path: 'name.manager', value: 'x' },
      ],
      type,
      reading,
    );
    expect(after).toEqual({ ...stored, [id]: { desk: '4' } });
    expect(reading.droppedNames()).toEqual(['manager', 'manager.value', 'name.manager']);
    expect(newResource(body({ manager: 'm1', desk: '4' }), type, reading)[id]).toEqual({ desk: '4' });
  });
});

describe.each(LOOSE)('a list for a single value on a %s connection', dialect => {
  const title = (value: Json): Json | undefined => {
    const { after } = patch(dialect, { op: 'replace', path: 'title', value });
    return typeof after === 'string' ? after : after.title;
  };

  it('is its element when it has one', () => {
    expect(title(['x'])).toBe('x');
    expect(patch(dialect, { op: 'replace', path: 'active', value: ['False'] }).after).toMatchObject({
      active: false,
    });
    expect(post(dialect, { name: [{ givenName: ['A'] }] }).after).toMatchObject({ name: { givenName: 'A' } });
  });

  it.each<[string, Json]>([
    ['two', ['x', 'y']],
    ['none', []],
    ['a list', [['x']]],
  ])('is refused with %s', (_what, value) => {
    expect(title(value)).toBe('scim.invalidValue');
  });

  it('leaves a person as active as they were when its element says nothing', () => {
    expect(typeof patch(dialect, { op: 'replace', path: 'active', value: [null] }).after).toBe('string');
  });
});

describe('on a strict connection', () => {
  it.each<[string, Json]>([
    ['scim.invalidPath', { op: 'add', path: 'manager', value: MANAGER }],
    ['scim.invalidPath', { op: 'remove', path: 'manager' }],
    ['scim.invalidValue', { op: 'add', path: `${ENTERPRISE_SCHEMA_ID}:manager`, value: [MANAGER] }],
    ['scim.invalidValue', { op: 'replace', path: 'title', value: ['x'] }],
  ])('answers %s to %j', (code, operation) => {
    expect(patch('strict', operation).after).toBe(code);
  });

  it('a resource names the extension', () => {
    expect(post('strict', { manager: MANAGER }).after).toBe('scim.invalidSyntax');
  });
});
