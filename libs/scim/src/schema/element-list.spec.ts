import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DialectReading } from '../dialect/dialect-reading.js';
import { dialectOf } from '../dialect/dialect.js';
import type { Json, JsonObject } from '../json-value.js';
import { applyPatch } from '../patch/apply-patch.js';
import { newResource } from '../resource-changes.js';
import { USER, USER_SCHEMA_ID } from './user-schema.js';

const strict = (): DialectReading => new DialectReading(dialectOf('strict'));
const a = (type?: string, more: JsonObject = {}): JsonObject => ({
  value: 'a',
  ...(type && { type }),
  ...more,
});

/** What a POST of these e-mails keeps. */
const listed = (...emails: Json[]): Json | undefined =>
  newResource({ schemas: [USER_SCHEMA_ID], userName: 'u', emails }, USER, strict()).emails;

/** What is there after an addition to what was there. */
const added = (before: Json[], ...value: Json[]): Json | undefined =>
  applyPatch({ emails: before }, [{ op: 'add', path: 'emails', value }], USER, strict()).emails;

describe('elements of one list (RFC 7643 §2.4)', () => {
  it('are the same when value and type are, or when both have no type', () => {
    expect(listed(a(), a('work'), a('home'))).toEqual([a(), a('work'), a('home')]);
    expect(listed(a('work'), a(), a('home'))).toEqual([a('work'), a(), a('home')]);
    expect(listed(a(), { value: 'A' }, a('work'), a('WORK', { display: 'x' }))).toEqual([
      a(),
      a('WORK', { display: 'x' }),
    ]);
    expect(added([], a(), a('work'), a('home'))).toEqual([a(), a('work'), a('home')]);
  });

  it('that are the same stay primary', () => {
    expect(listed(a('home', { primary: true }), a('work'), a('work', { primary: true }))).toEqual([
      a('home', { primary: false }),
      a('work', { primary: true }),
    ]);
  });

  it('do not vanish when another one is changed', () => {
    const emails = [a(), a('work')];
    const change = { op: 'replace', path: 'emails[type eq "work"].display', value: 'x' } as const;
    expect(applyPatch({ emails }, [change], USER, strict()).emails).toEqual([
      a(),
      a('work', { display: 'x' }),
    ]);
  });
});

describe('an addition', () => {
  it('completes an element without a type that is there already', () => {
    expect(added([a()], a('work'))).toEqual([a('work')]);
    expect(added([a('work')], a())).toEqual([a('work')]);
    expect(added([a()], a('work'), a('WORK'), a('home'))).toEqual([a('WORK'), a('home')]);
  });

  it('completes no element that it lists besides', () => {
    expect(added([a()], a(), a('work'), a('home'))).toEqual([a(), a('work'), a('home')]);
    expect(added([a()], a('work'), a())).toEqual([a(), a('work')]);
    expect(added([a(), a('work')], a('work', { display: 'x' }))).toEqual([a(), a('work', { display: 'x' })]);
  });

  const email = fc.record(
    {
      value: fc.constantFrom('a', 'A', 'b'),
      type: fc.constantFrom('work', 'Work', 'home'),
      primary: fc.boolean(),
    },
    { requiredKeys: ['value'] },
  );
  const emails = fc.array(email, { minLength: 1, maxLength: 24 });
  const keys = (list: Json | undefined): string[] =>
    (list as JsonObject[]).map(e => `${String(e.value)}/${String(e.type)}`.toLowerCase());

  it('leaves no two elements of one value and type, has all that it lists, and changes nothing when it comes again', () => {
    fc.assert(
      fc.property(emails, emails, (before, more) => {
        const there = listed(...structuredClone(before)) as Json[];
        expect(keys(there)).toEqual([...new Set(keys(before))]);
        const after = added(structuredClone(there), ...structuredClone(more)) as Json[];
        expect(new Set(keys(after)).size).toBe(after.length);
        expect(added(structuredClone(after), ...structuredClone(more))).toEqual(after);
      }),
    );
  });
});
