import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  DIALECT_NAMES,
  DialectReading,
  ENTERPRISE_SCHEMA_ID,
  GROUP,
  ScimError,
  SqlParameters,
  USER,
  USER_SCHEMA_ID,
  applyPatch,
  attributeNames,
  checkRequired,
  dialectOf,
  errorBody,
  filterSql,
  isObject,
  matches,
  newResource,
  parseFilter,
  parseJson,
  parsePatch,
  parseSchema,
  parseSort,
  project,
  replacedResource,
  sameJson,
  sortResources,
  splitMembership,
  type Json,
  type JsonObject,
} from './index.js';

/** Inputs for each of the six properties; a long run sets SCIM_FUZZ_RUNS and another SCIM_FUZZ_SEED. */
const RUNS = Number(process.env.SCIM_FUZZ_RUNS ?? 3_500);
const SEED = Number(process.env.SCIM_FUZZ_SEED ?? 5);
const OPTIONS = { numRuns: RUNS, seed: SEED };
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

const USER_STORED: JsonObject = {
  userName: 'a@x.example',
  active: true,
  name: { givenName: 'A' },
  emails: [{ value: 'a@x.example', type: 'work', primary: true }, { value: 'b' }],
  [ENTERPRISE_SCHEMA_ID]: { department: 'd', manager: { value: 'm' } },
};
const GROUP_STORED: JsonObject = { displayName: 'G', members: [{ value: 'u1' }, { value: 'u2' }] };

const NAMES = [
  'userName',
  'active',
  'emails',
  'emails.value',
  'name',
  'name.givenName',
  'members',
  'displayName',
  'title',
  'roles',
  'schemas',
  'id',
  'meta',
  'meta.created',
  'password',
  'externalId',
  'value',
  'type',
  'primary',
  '$ref',
  'display',
  'ACTIVE',
  'x509Certificates',
  'photos',
  'groups',
  ENTERPRISE_SCHEMA_ID,
  `${ENTERPRISE_SCHEMA_ID}:manager`,
  `${ENTERPRISE_SCHEMA_ID}:manager.value`,
  USER_SCHEMA_ID,
  `${USER_SCHEMA_ID}:active`,
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '__proto__.x',
  'constructor.prototype.x',
  `${USER_SCHEMA_ID}:__proto__`,
  'emails.__proto__',
  'shoe',
  '',
  '.',
  ':',
  ' ',
];
const TOKENS = [
  ...NAMES,
  'eq',
  'ne',
  'co',
  'sw',
  'ew',
  'gt',
  'ge',
  'lt',
  'le',
  'pr',
  'and',
  'or',
  'not',
  'EQ',
  '(',
  ')',
  '[',
  ']',
  '"x"',
  '"True"',
  '"',
  '\\',
  '"\\u0000"',
  '"\\ud800"',
  'true',
  'null',
  '1',
  '-1e5',
  '1e999',
  '"2026-01-02T03:04:05Z"',
  '.value',
  '.type',
  '\t',
  '\n',
  '\u{1f600}',
  'İ',
];
const soup = fc.array(fc.constantFrom(...TOKENS), { maxLength: 14 });
const filterText = fc.oneof(
  soup.map(t => t.join(' ')),
  soup.map(t => t.join('')),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.integer({ min: 1, max: 3_000 }).map(n => '('.repeat(n)),
  fc.integer({ min: 1, max: 3_000 }).map(n => 'not ('.repeat(n)),
  fc.integer({ min: 1, max: 500 }).map(n => 'emails['.repeat(n)),
);
const pathText = fc.oneof(
  fc.constantFrom(...NAMES),
  fc
    .tuple(fc.constantFrom(...NAMES), filterText, fc.constantFrom('', '.value', '.type', '.__proto__', 'x'))
    .map(([name, filter, suffix]) => `${name}[${filter}]${suffix}`),
  fc.constantFrom(
    'emails[type eq "work"]',
    'emails[type eq "work"].value',
    'members[value eq "u1"]',
    'emails[primary eq true].type',
  ),
  fc.string({ maxLength: 20 }),
);
const leaf = fc.oneof(
  fc.constantFrom<Json>(null, true, false, 0, 1, 'x', '', 'True', 'False', 'maybe', 'a@x.example', [], {}),
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.double(),
);
const json = fc.letrec<{ any: Json; object: JsonObject }>(tie => ({
  any: fc.oneof({ depthSize: 'small' }, leaf, tie('object'), fc.array(tie('any'), { maxLength: 3 })),
  object: fc
    .array(fc.tuple(fc.oneof(fc.constantFrom(...NAMES), pathText), tie('any')), { maxLength: 4 })
    .map(entries => {
      const made: JsonObject = {};
      for (const [name, value] of entries)
        Object.defineProperty(made, name, { value, enumerable: true, configurable: true, writable: true });
      return made;
    }),
})).any;
const operation = fc.record(
  {
    op: fc.constantFrom<Json>('add', 'replace', 'remove', 'Replace', 'move', 1),
    path: fc.oneof(pathText, leaf),
    value: json,
  },
  { requiredKeys: ['op'] },
);
const dialect = fc.constantFrom(...DIALECT_NAMES).map(name => new DialectReading(dialectOf(name)));

const prototypes = [
  Object.prototype,
  Array.prototype,
  Function.prototype,
  String.prototype,
  Map.prototype,
  Set.prototype,
];
const state = (): string => prototypes.map(p => Object.getOwnPropertyNames(p).length).join();
const PRISTINE = state();

/** Runs something that may refuse, and nothing else. */
function refusable<Result>(attempt: () => Result): Result | undefined {
  const result = resultOf(attempt);
  if (state() !== PRISTINE) throw new Error('a prototype was changed');
  return result;
}

function resultOf<Result>(attempt: () => Result): Result | undefined {
  try {
    return attempt();
  } catch (error) {
    if (!(error instanceof ScimError)) throw error;
    expect(error.status).toBe(400);
    expect(errorBody(error).detail.length).toBeGreaterThan(5);
    return undefined;
  }
}

/** What a stored resource must be, whatever was sent: canonical, so that reading it again strictly changes nothing. */
function expectCanonical(resource: JsonObject, type: typeof USER): void {
  const schemas = [type.schema.id, ...type.extensions.map(e => e.id)];
  const again = newResource({ schemas, ...resource }, type, new DialectReading(dialectOf('strict')));
  if (!sameJson(again, resource)) expect(again).toEqual(resource);
  for (const value of Object.values(resource))
    if (Array.isArray(value))
      expect(value.filter(item => isObject(item) && item.primary === true).length).toBeLessThan(2);
}

describe('whatever is sent', () => {
  it('as a filter is understood or refused, and compiled without a word of the request', () => {
    fc.assert(
      fc.property(filterText, dialect, (text, reading) => {
        refusable(() => {
          const filter = parseFilter(text, USER, reading);
          const parameters = new SqlParameters();
          const sql = filterSql(filter, { document: 'doc', columns: {} }, parameters);
          expect(typeof matches(filter, USER_STORED)).toBe('boolean');
          // What no database takes as text.
          expect(
            parameters.values.some(v => typeof v === 'string' && (v.includes('\0') || !v.isWellFormed())),
          ).toBe(false);
          expect(sql).not.toMatch(/\$0|\u{1f600}|"True"/u);
          expect(Math.max(0, ...[...sql.matchAll(/\$(\d+)/g)].map(m => Number(m[1])))).toBe(
            parameters.values.length,
          );
        });
      }),
      OPTIONS,
    );
  }, 300_000);

  it('as a PATCH of a user leaves a canonical user or is refused', () => {
    const before = structuredClone(USER_STORED);
    let accepted = 0;
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 3 }), dialect, (Operations, reading) => {
        refusable(() => {
          const message = parseJson(JSON.stringify({ schemas: [PATCH], Operations }));
          const after = checkRequired(
            applyPatch(USER_STORED, parsePatch(message, reading), USER, reading),
            USER,
          );
          expectCanonical(after, USER);
          accepted += 1;
        });
        if (!sameJson(USER_STORED, before)) expect(USER_STORED).toEqual(before);
      }),
      OPTIONS,
    );
    expect(accepted).toBeGreaterThan(RUNS / 50);
  }, 300_000);

  it('that a strict connection takes means the same on a lenient one', () => {
    const outcome = (Operations: Json[], name: 'strict' | 'lenient'): JsonObject | undefined =>
      refusable(() => {
        const reading = new DialectReading(dialectOf(name));
        const message = parseJson(JSON.stringify({ schemas: [PATCH], Operations }));
        return applyPatch(USER_STORED, parsePatch(message, reading), USER, reading);
      });
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 2 }), operations => {
        const strict = outcome(operations, 'strict');
        if (strict) expect(outcome(operations, 'lenient')).toEqual(strict);
      }),
      OPTIONS,
    );
  }, 300_000);

  it('as a PATCH of a group leaves a canonical group or is refused, also without its members', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 3 }), dialect, (Operations, reading) => {
        refusable(() => {
          const operations = parsePatch(parseJson(JSON.stringify({ schemas: [PATCH], Operations })), reading);
          splitMembership(operations, GROUP, reading);
          expectCanonical(checkRequired(applyPatch(GROUP_STORED, operations, GROUP, reading), GROUP), GROUP);
        });
      }),
      OPTIONS,
    );
  }, 300_000);

  it('as a resource becomes a canonical one or is refused', () => {
    fc.assert(
      fc.property(json, dialect, (body, reading) => {
        refusable(() => {
          const parsed = parseJson(JSON.stringify(body));
          const whole = isObject(parsed) ? { schemas: [USER_SCHEMA_ID], userName: 'u', ...parsed } : parsed;
          expectCanonical(newResource(whole, USER, reading), USER);
          expectCanonical(replacedResource(USER_STORED, whole, USER, reading), USER);
        });
      }),
      OPTIONS,
    );
  }, 300_000);

  it('as names to show, to sort by or to be a schema is understood or refused', () => {
    fc.assert(
      fc.property(pathText, pathText, json, (a, b, schema) => {
        refusable(() => project(USER_STORED, USER, attributeNames(a), attributeNames(`${b},${a}`)));
        refusable(() => {
          const sort = parseSort(a, undefined, USER);
          if (sort) sortResources([USER_STORED, {}], sort);
        });
        refusable(() => parseSchema(schema));
        refusable(() => parseJson(`{"a":"${a}"`));
      }),
      OPTIONS,
    );
  }, 300_000);
});
