import { beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import {
  DialectReading,
  ENTERPRISE_SCHEMA_ID,
  GROUP,
  GROUP_SCHEMA_ID,
  ScimError,
  USER,
  USER_SCHEMA_ID,
  applyPatch,
  checkRequired,
  dialectOf,
  isObject,
  parsePatch,
  type Json,
  type JsonObject,
} from '@sever/scim';

const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const USER_RESOURCE: JsonObject = {
  schemas: [USER_SCHEMA_ID],
  id: 'i1',
  userName: 'a@x.example',
  active: true,
  name: { givenName: 'A', familyName: 'B' },
  emails: [{ value: 'a@x.example', type: 'work', primary: true }],
  roles: [{ value: 'r1', primary: true }, { value: 'r2' }],
};
const GROUP_RESOURCE: JsonObject = {
  schemas: [GROUP_SCHEMA_ID],
  id: 'g1',
  displayName: 'G',
  members: [{ value: 'u1' }, { value: 'u2' }],
};

type Oracle = 'scimmy' | 'scimPatch';
type Row = { name: string; of?: 'Group'; operations: Json[]; agree: Oracle[] };
const BOTH: Oracle[] = ['scimmy', 'scimPatch'];
const row = (name: string, operation: Json, agree: Oracle[], of?: 'Group'): Row => ({
  name,
  of,
  operations: Array.isArray(operation) ? operation : [operation],
  agree,
});

/** What the libraries make of a request, and which of them are right (`agree`). The others are known to be wrong there. */
const ROWS: Row[] = [
  row('E4: the string "False"', { op: 'Replace', path: 'active', value: 'False' }, []),
  row('E5: a boolean', { op: 'replace', path: 'active', value: false }, BOTH),
  row('O4: path-less', { op: 'replace', value: { active: false } }, BOTH),
  row('path-less with the string "False"', { op: 'replace', value: { active: 'False' } }, []),
  row(
    'E8: dotted and qualified keys',
    {
      op: 'replace',
      value: { displayName: 'Y', 'name.givenName': 'X', [`${ENTERPRISE_SCHEMA_ID}:employeeNumber`]: '7' },
    },
    BOTH,
  ),
  row('an element by its type', { op: 'replace', path: 'emails[type eq "work"].value', value: 'n' }, BOTH),
  row(
    'E7: an element that is not there',
    { op: 'Replace', path: 'emails[type eq "home"].value', value: 'n' },
    ['scimPatch'],
  ),
  row('E9: a boolean in quotes', { op: 'Replace', path: 'roles[primary eq "True"].value', value: 'r3' }, [
    'scimmy',
  ]),
  row('E10: a manager as a string', { op: 'Add', path: `${ENTERPRISE_SCHEMA_ID}:manager`, value: 'm1' }, []),
  row('a core attribute by its URN', { op: 'replace', path: `${USER_SCHEMA_ID}:active`, value: false }, [
    'scimPatch',
  ]),
  row('a path in capitals', { op: 'replace', path: 'ACTIVE', value: false }, []),
  row('a new attribute', { op: 'add', path: 'title', value: 't' }, BOTH),
  row('a sub-attribute', { op: 'replace', path: 'name.givenName', value: 'X' }, BOTH),
  row('removal of a sub-attribute', { op: 'remove', path: 'name.givenName' }, BOTH),
  row('removal of an attribute', { op: 'remove', path: 'name' }, BOTH),
  row('removal of an element', { op: 'remove', path: 'emails[type eq "work"]' }, BOTH),
  row('removal without a path', { op: 'remove' }, BOTH),
  row('a second primary element', { op: 'add', path: 'emails', value: [{ value: 'b', primary: true }] }, []),
  row('a read-only attribute', { op: 'replace', path: 'id', value: 'i2' }, ['scimmy']),
  row('removal of what is required', { op: 'remove', path: 'userName' }, ['scimmy']),
  row('an unknown attribute', { op: 'replace', path: 'shoeSize', value: 4 }, ['scimmy']),
  row('a boolean that is none', { op: 'replace', path: 'active', value: 'maybe' }, ['scimmy']),
  row(
    'a second operation that is wrong',
    [
      { op: 'replace', path: 'active', value: false },
      { op: 'replace', path: 'active', value: 'maybe' },
    ],
    ['scimmy'],
  ),
  row('E14: a new member', { op: 'Add', path: 'members', value: [{ value: 'u3' }] }, BOTH, 'Group'),
  row(
    'a member who is there',
    { op: 'add', path: 'members', value: [{ value: 'u1' }] },
    ['scimPatch'],
    'Group',
  ),
  row(
    'E15: removal that lists members',
    { op: 'Remove', path: 'members', value: [{ value: 'u1' }] },
    BOTH,
    'Group',
  ),
  row('E16: removal by a filter', { op: 'remove', path: 'members[value eq "u1"]' }, BOTH, 'Group'),
  row('all members replaced', { op: 'replace', path: 'members', value: [{ value: 'u9' }] }, BOTH, 'Group'),
];

/** Rows that only some dialects refuse are read as strict, so that a refusal can be compared. */
const STRICT = new Set(['a read-only attribute', 'an unknown attribute']);

const resourceOf = (r: Row): JsonObject => (r.of === 'Group' ? GROUP_RESOURCE : USER_RESOURCE);

function ours(r: Row): JsonObject | 'refused' {
  const type = r.of === 'Group' ? GROUP : USER;
  const reading = new DialectReading(dialectOf(STRICT.has(r.name) ? 'strict' : 'lenient'));
  const { id, schemas: _schemas, ...stored } = resourceOf(r);
  try {
    const operations = parsePatch({ schemas: [PATCH], Operations: r.operations }, reading);
    return checkRequired(applyPatch(stored, operations, type, reading, { id: id ?? null }), type);
  } catch (error) {
    if (error instanceof ScimError) return 'refused';
    throw error;
  }
}

type Answer = { after?: JsonObject; refused?: string };

/** What the service adds is no part of the comparison, and an empty list is no value. */
function theirs(answer: Answer | undefined): JsonObject | 'refused' {
  if (!answer?.after) return 'refused';
  const { id: _id, schemas: _schemas, meta: _meta, ...rest } = answer.after;
  return Object.fromEntries(
    Object.entries(rest).filter(
      ([, value]) =>
        !(Array.isArray(value) && value.length === 0) &&
        !(isObject(value) && Object.keys(value).length === 0),
    ),
  );
}

describe('what other libraries make of a PATCH', () => {
  let answers: Record<Oracle, Answer>[] = [];
  beforeAll(() => {
    const input = JSON.stringify(
      ROWS.map(r => ({ type: r.of ?? 'User', resource: resourceOf(r), operations: r.operations })),
    );
    const script = path.resolve(import.meta.dirname, 'patch-oracles.mjs');
    const output = execFileSync(process.execPath, [script], { input, encoding: 'utf8', env: {} });
    answers = JSON.parse(output) as Record<Oracle, Answer>[];
  });

  it.each(ROWS.map((r, i) => [r.name, r, i] as const))('%s', (_name, r, i) => {
    const mine = ours(r);
    for (const oracle of BOTH) {
      const answer = theirs(answers[i]?.[oracle]);
      if (r.agree.includes(oracle)) expect({ oracle, answer }).toEqual({ oracle, answer: mine });
      else expect({ oracle, answer }).not.toEqual({ oracle, answer: mine });
    }
  });
});
