import { describe, expect, it } from '@jest/globals';
import {
  DIALECT_NAMES,
  DialectReading,
  GROUP,
  GROUP_SCHEMA_ID,
  ScimError,
  applyPatch,
  checkRequired,
  dialectOf,
  newResource,
  parseJson,
  parsePatch,
  type DialectName,
  type Json,
  type JsonObject,
} from './index.js';

const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const stored: JsonObject = {
  displayName: 'G',
  members: [{ value: 'u1', type: 'User', display: 'one' }, { value: 'u2' }, { value: 'u3' }],
};

type Outcome = { members: Json | undefined; displayName: Json | undefined; rules: string[] };

function patch(dialect: DialectName, ...operations: Json[]): Outcome | string {
  const reading = new DialectReading(dialectOf(dialect));
  try {
    const message = parseJson(JSON.stringify({ schemas: [PATCH], Operations: operations }));
    const after = applyPatch(stored, parsePatch(message, reading), GROUP, reading, { id: 'g1' });
    const { members, displayName } = checkRequired(after, GROUP);
    return { members, displayName, rules: reading.rules() };
  } catch (error) {
    if (error instanceof ScimError) return error.code;
    throw error;
  }
}

const ids = (outcome: Outcome | string): Json =>
  typeof outcome === 'string'
    ? outcome
    : (Array.isArray(outcome.members) ? outcome.members : []).map(m => (m as JsonObject).value ?? null);

const LOOSE = DIALECT_NAMES.filter(name => name !== 'strict');

describe.each(LOOSE)('a group on a %s connection', dialect => {
  it('E14: takes a member, once', () => {
    const add = { op: 'Add', path: 'members', value: [{ $ref: null, value: 'u4' }] };
    expect(ids(patch(dialect, add, add))).toEqual(['u1', 'u2', 'u3', 'u4']);
    expect(patch(dialect, { op: 'add', path: 'members', value: [{ value: 'u1' }] })).toMatchObject({
      members: stored.members,
    });
  });

  it('E15, J2: loses the members that a removal lists, and only those', () => {
    const remove = { op: 'Remove', path: 'members', value: [{ $ref: null, value: 'u2' }] };
    expect(patch(dialect, remove)).toMatchObject({ rules: ['op-any-case', 'remove-with-value'] });
    expect(ids(patch(dialect, remove))).toEqual(['u1', 'u3']);
    expect(ids(patch(dialect, { op: 'remove', path: 'members', value: [{ value: 'nobody' }] }))).toEqual([
      'u1',
      'u2',
      'u3',
    ]);
  });

  it('E15: is not emptied by a removal that lists nobody', () => {
    expect(patch(dialect, { op: 'remove', path: 'members', value: [] })).toMatchObject({
      members: stored.members,
      rules: ['empty-removal', 'remove-with-value'],
    });
  });

  it('O9: takes its name with the id that it has', () => {
    expect(patch(dialect, { op: 'replace', value: { id: 'g1', displayName: 'H' } })).toMatchObject({
      displayName: 'H',
      rules: ['pathless-patch', 'readonly-dropped'],
    });
  });

  it('E13: is created with schemas that nobody knows', () => {
    const body = {
      schemas: [GROUP_SCHEMA_ID, 'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group'],
      displayName: 'H',
      meta: { resourceType: 'Group' },
    };
    expect(newResource(body, GROUP, new DialectReading(dialectOf(dialect)))).toEqual({ displayName: 'H' });
  });
});

describe.each(DIALECT_NAMES)('any group on a %s connection', dialect => {
  it('E16: loses the member that a path names; again is no error', () => {
    const remove = { op: 'remove', path: 'members[value eq "u2"]' };
    expect(ids(patch(dialect, remove, remove))).toEqual(['u1', 'u3']);
  });

  it('O10: takes additions and removals in one PATCH', () => {
    expect(
      ids(
        patch(
          dialect,
          { op: 'remove', path: 'members[value eq "u1"]' },
          { op: 'add', path: 'members', value: [{ value: 'u4' }, { value: 'u5' }] },
          { op: 'remove', path: 'members[value eq "u4" or value eq "u3"]' },
        ),
      ),
    ).toEqual(['u2', 'u5']);
  });

  it('O10: an empty replacement means nobody, and so does removal of all', () => {
    expect(ids(patch(dialect, { op: 'replace', path: 'members', value: [] }))).toEqual([]);
    expect(ids(patch(dialect, { op: 'remove', path: 'members' }))).toEqual([]);
    // Null is no value (RFC 7643 §2.5), not a list of nobody.
    expect(ids(patch(dialect, { op: 'remove', path: 'members', value: null }))).toEqual([]);
  });

  it('O10: takes a whole new set of members, each once', () => {
    const value = [{ value: 'u9' }, { value: 'u1' }, { value: 'u9' }];
    expect(ids(patch(dialect, { op: 'replace', path: 'members', value }))).toEqual(['u9', 'u1']);
  });

  it('keeps who a member is', () => {
    const change = { op: 'replace', path: 'members[value eq "u1"].value', value: 'u9' };
    expect(patch(dialect, change)).toBe('scim.mutability');
    expect(patch(dialect, { op: 'add', path: 'members', value: [{ display: 'x' }] })).toBe(
      'scim.invalidValue',
    );
  });

  it('keeps its name', () => {
    expect(patch(dialect, { op: 'remove', path: 'displayName' })).toBe('scim.mutability');
    expect(patch(dialect, { op: 'replace', path: 'displayName', value: '' })).toBe('scim.invalidValue');
  });

  it('does nothing when its second operation is wrong', () => {
    const before = structuredClone(stored);
    expect(patch(dialect, { op: 'remove', path: 'members' }, { op: 'remove', path: 'displayName' })).toBe(
      'scim.mutability',
    );
    expect(stored).toEqual(before);
  });
});

describe('a group on a strict connection', () => {
  it.each([
    ['scim.invalidPath', { op: 'remove', path: 'members', value: [{ value: 'u1' }] }],
    ['scim.invalidPath', { op: 'remove', path: 'members', value: [] }],
    ['scim.invalidPath', { op: 'replace', value: { displayName: 'H' } }],
    ['scim.invalidValue', { op: 'add', path: 'members', value: ['u1'] }],
    ['scim.mutability', { op: 'replace', path: 'id', value: 'g1' }],
    ['scim.invalidSyntax', { op: 'add', path: 'members', value: [{ value: 'u1', displayName: 'x' }] }],
  ])('answers %s', (code, operation) => {
    expect(patch('strict', operation)).toBe(code);
  });
});

describe('a group on an entra connection', () => {
  it('takes members as bare strings, and their names as displayName', () => {
    expect(
      patch('entra', {
        op: 'replace',
        path: 'members',
        value: ['u7', { value: 'u8', displayName: 'eight' }],
      }),
    ).toMatchObject({ members: [{ value: 'u7' }, { value: 'u8', display: 'eight' }] });
  });
});
