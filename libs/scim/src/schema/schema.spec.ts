import { describe, expect, it } from '@jest/globals';
import { DialectReading } from '../dialect/dialect-reading.js';
import { dialectOf } from '../dialect/dialect.js';
import type { Json, JsonObject } from '../json-value.js';
import { resourceTypeDocument, schemaDocument } from '../message/discovery.js';
import { applyPatch } from '../patch/apply-patch.js';
import { newResource, replacedResource } from '../resource-changes.js';
import { ScimError } from '../scim-error.js';
import { GROUP } from './group-schema.js';
import { parseSchema, withExtensions } from './parse-schema.js';
import { USER, USER_SCHEMA_ID } from './user-schema.js';

const CUSTOM = 'urn:example:params:scim:schemas:extension:badge:1.0:User';
const definition = (attributes: Json): Json => ({ id: CUSTOM, name: 'Badge', attributes });
const schema = parseSchema(
  definition([
    { name: 'number', type: 'integer' },
    { name: 'since', type: 'dateTime' },
    { name: 'serial', mutability: 'immutable', required: true },
    { name: 'printed', type: 'boolean', mutability: 'readOnly' },
    { name: 'picture', type: 'binary' },
    { name: 'doors', type: 'complex', multiValued: true, subAttributes: [{ name: 'value', required: true }] },
  ]),
);
const type = withExtensions(USER, [schema]);
const strict = (): DialectReading => new DialectReading(dialectOf('strict'));
const body = (badge: Json): JsonObject => ({
  schemas: [USER_SCHEMA_ID, CUSTOM],
  userName: 'u',
  [CUSTOM]: badge,
});

const code = (attempt: () => unknown): unknown => {
  try {
    return attempt();
  } catch (error) {
    if (error instanceof ScimError) return error.code;
    throw error;
  }
};
const created = (badge: Json): unknown => code(() => newResource(body(badge), type, strict())[CUSTOM]);

describe('a schema of a connection', () => {
  it('is shown as it was given', () => {
    for (const one of [schema, USER.schema, GROUP.schema, ...USER.extensions])
      expect(parseSchema(schemaDocument('https://x.example', one))).toEqual(one);
    expect(resourceTypeDocument('https://x.example', type)).toMatchObject({
      id: 'User',
      endpoint: '/Users',
      schemaExtensions: [
        { schema: USER.extensions[0]?.id, required: false },
        { schema: CUSTOM, required: false },
      ],
    });
  });

  it('gives values their canonical form', () => {
    expect(
      created({
        SERIAL: 's',
        since: '2026-01-02T04:04:05.6789+01:00',
        number: 4,
        picture: 'AAECAw==',
        printed: true,
      }),
    ).toEqual({ serial: 's', since: '2026-01-02T03:04:05.678Z', number: 4, picture: 'AAECAw==' });
  });

  it.each<[string, Json]>([
    ['scim.invalidValue', { serial: 's', number: 1.5 }],
    ['scim.invalidValue', { serial: 's', number: '1' }],
    ['scim.invalidValue', { serial: 's', since: 'yesterday' }],
    ['scim.invalidValue', { serial: 's', since: '2026-02-30T00:00:00Z' }],
    ['scim.invalidValue', { serial: 's', picture: 'not base64!' }],
    ['scim.invalidValue', { number: 4 }],
    ['scim.invalidValue', { serial: 's', doors: [{}, { value: null }, { value: 1 }] }],
    ['scim.invalidValue', { serial: 's', doors: [{ value: 'north' }, { value: '' }] }],
    ['scim.invalidValue', { serial: 's', doors: [{ value: ' ' }] }],
    ['scim.invalidSyntax', { serial: 's', doors: [{ colour: 'red' }] }],
    ['scim.invalidSyntax', { serial: 's', Serial: 't' }],
    ['scim.invalidSyntax', { serial: 's', colour: 'red' }],
  ])('answers %s to %j', (expected, badge) => {
    expect(created(badge)).toBe(expected);
  });

  it('keeps what is immutable', () => {
    const before = newResource(body({ serial: 's', number: 4 }), type, strict());
    const put = (badge: Json): unknown =>
      code(() => replacedResource(before, body(badge), type, strict())[CUSTOM]);
    expect(put({ serial: 's' })).toEqual({ serial: 's' });
    expect(put({ number: 5 })).toEqual({ serial: 's', number: 5 });
    expect(put({ serial: 't' })).toBe('scim.mutability');
    const patch = (op: 'add' | 'replace' | 'remove', path: string, value?: Json): unknown =>
      code(() => applyPatch(before, [{ op, path, value }], type, strict())[CUSTOM]);
    expect(patch('replace', `${CUSTOM}:serial`, 's')).toEqual({ serial: 's', number: 4 });
    expect(patch('replace', `${CUSTOM}:serial`, 't')).toBe('scim.mutability');
    expect(patch('remove', `${CUSTOM}:serial`)).toBe('scim.mutability');
    expect(patch('remove', CUSTOM)).toBe('scim.mutability');
    expect(patch('replace', `${CUSTOM}:printed`, true)).toBe('scim.mutability');
    expect(patch('remove', `${CUSTOM}:number`)).toEqual({ serial: 's' });
  });

  it.each<[string, Json]>([
    ['no URN', { id: 'badge', attributes: [{ name: 'a' }] }],
    ['quotes in its name', { id: "urn:x:'y", attributes: [{ name: 'a' }] }],
    ['no attributes', definition([])],
    ['a name that reaches a prototype', definition([{ name: 'constructor' }])],
    ['a name with a dot', definition([{ name: 'a.b' }])],
    ['a name twice', definition([{ name: 'a' }, { name: 'A' }])],
    ['an unknown type', definition([{ name: 'a', type: 'text' }])],
    ['a flag that is none', definition([{ name: 'a', required: 'yes' }])],
    [
      'complex in complex',
      definition([{ name: 'a', type: 'complex', subAttributes: [{ name: 'b', type: 'complex' }] }]),
    ],
  ])('is refused with %s', (_what, json) => {
    expect(code(() => parseSchema(json))).toBe('scim.invalidSyntax');
  });

  it('is not taken twice, nor when it promises what is not kept', () => {
    expect(code(() => withExtensions(type, [schema]))).toBe('scim.invalidSyntax');
    const unique = parseSchema(definition([{ name: 'number', uniqueness: 'server' }]));
    expect(code(() => withExtensions(USER, [unique]))).toBe('scim.invalidSyntax');
  });
});

describe('a required text', () => {
  const core = { User: [USER, { userName: ' \t' }], Group: [GROUP, { displayName: ' ' }] } as const;
  it.each(Object.entries(core))('of a %s says something: blanks are refused', (_name, [of, blank]) => {
    const asked = { schemas: [of.schema.id], ...blank };
    expect(code(() => newResource(asked, of, strict()))).toBe('scim.invalidValue');
    expect(code(() => replacedResource({ active: true }, asked, of, strict()))).toBe('scim.invalidValue');
  });
});
