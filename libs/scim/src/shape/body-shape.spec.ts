import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Json } from '../json-value.js';
import { bodyShape } from './body-shape.js';

const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const shapeText = (body: Json): string => JSON.stringify(bodyShape(body));

describe('the shape of a body', () => {
  it('keeps the words of the protocol and the kinds of values', () => {
    const body: Json = {
      schemas: [PATCH_OP],
      Operations: [
        { op: 'Replace', path: 'emails[type eq "work"].value', value: 'jane@acme.example' },
        { op: 'Replace', path: 'emails[type eq "home"].value', value: 'j.doe@acme.example' },
        { op: 'replace', path: 'active', value: 'False' },
        { op: 'add', value: { active: null, manager: { value: '26118915' }, x: ['', '{"a":1}', 3, true] } },
      ],
    };
    expect(bodyShape(body)).toEqual({
      schemas: [PATCH_OP],
      Operations: [
        { op: 'Replace', path: 'emails[type eq …].value', value: 'string' },
        { op: 'replace', path: 'active', value: 'boolean in a string' },
        {
          op: 'add',
          value: {
            active: 'null',
            manager: { value: 'number in a string' },
            x: ['empty string', 'JSON in a string', 'number', 'boolean'],
          },
        },
      ],
    });
  });

  it.each<[string, Json, string]>([
    ['an address as a name', { 'jane@acme.example': 1 }, '{"(other)":"number"}'],
    ['an address in a path', { path: 'emails[value eq jane@acme.example]' }, '{"path":"(other)"}'],
    ['a name as a name', { 'Jane Doe': 1 }, '{"(other)":"number"}'],
    ['an open literal', { path: 'emails[value eq "jane@acme' }, '{"path":"emails[value eq …"}'],
    ['an escaped quote', { path: 'emails[value eq "a\\"jane"]' }, '{"path":"emails[value eq …]"}'],
    ['a sentence as an operation', { op: 'Jane Doe leaves' }, '{"op":"string"}'],
    ['an address as a schema', { schemas: ['jane@acme.example'] }, '{"schemas":["string"]}'],
    ['a text alone', 'Jane', '"string"'],
  ])('leaves out %s', (_what, body, shape) => {
    expect(shapeText(body)).toBe(shape);
  });

  const secret = fc.stringMatching(/^[A-Z]{3}[a-z0-9 @.+-]{5,30}$/).map(text => `Q7${text}`);
  const body = fc.letrec<{ value: Json }>(tie => ({
    value: fc.oneof(
      { maxDepth: 7, withCrossShrink: true },
      secret,
      fc.constantFrom<Json>(null, true, 5, ''),
      fc.array(tie('value'), { maxLength: 8 }),
      fc.dictionary(fc.constantFrom('op', 'path', 'value', 'schemas', 'name', 'emails'), tie('value')),
    ),
  })).value;

  it('holds nothing of any value', () => {
    fc.assert(
      fc.property(body, secret, (value, hidden) => {
        // A path and an operation are words, so that what stands there must not look like one.
        const shown = shapeText({ value, path: `emails[value eq "${hidden}"]`, userName: hidden });
        expect(shown.replaceAll(/"(op|path)":"[^"]*"/g, '')).not.toContain('Q7');
      }),
    );
  });

  it('stays small, whatever the body', () => {
    const wide = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`a${i}`, i]));
    const deep = Array.from({ length: 30 }).reduce<Json>(inner => ({ a: [inner] }), 1);
    expect(
      shapeText({ wide, deep, list: Array.from({ length: 5_000 }, (_, i) => ({ [`b${i}`]: 1 })) }).length,
    ).toBeLessThan(2_000);
  });
});
