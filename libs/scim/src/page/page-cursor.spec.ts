import { describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { CURSOR_SECONDS, openCursor, sealCursor, type CursorScope, type NextPage } from './page-cursor.js';

const KEY = randomBytes(32);
const NOW = Date.UTC(2026, 0, 1);
const SCOPE: CursorScope = {
  ...{ connection: 'okta', endpoint: 'Users', filter: 'active eq true' },
  ...{ sortBy: 'userName', sortOrder: undefined },
};
const NEXT: NextPage = {
  ...{ type: 'User', total: 7 },
  place: { id: 'a', createdAt: '2026-01-01 00:00:00.000001+00', key: 'jane@acme.example' },
};
const invalid = expect.objectContaining({ status: 400, scimType: 'invalidCursor' });

describe('a cursor', () => {
  it('brings back what was sealed, for the same query', () => {
    const text = fc.string({ unit: 'grapheme' });
    const place = fc.record({ id: text, createdAt: text, key: fc.option(text) });
    const next = fc.record({ type: text, place: fc.option(place), total: fc.nat() });
    fc.assert(
      fc.property(next, fc.nat(CURSOR_SECONDS * 1_000), (page, age) => {
        expect(openCursor(sealCursor(page, SCOPE, KEY, NOW), SCOPE, KEY, NOW + age)).toEqual(page);
      }),
    );
  });

  it('is made of unreserved characters and shows nothing of what it holds', () => {
    const cursor = sealCursor(NEXT, SCOPE, KEY, NOW);
    expect(cursor).toMatch(/^[\w-]+$/);
    expect(Buffer.from(cursor, 'base64url').toString('latin1')).not.toMatch(/jane|2026/);
  });

  it.each<Partial<CursorScope>>([
    { connection: 'entra' },
    { endpoint: 'Groups' },
    { filter: undefined },
    { filter: 'active eq false' },
    { sortBy: undefined },
    { sortOrder: 'descending' },
  ])('belongs to one query: not with %j', over => {
    const cursor = sealCursor(NEXT, SCOPE, KEY, NOW);
    expect(() => openCursor(cursor, { ...SCOPE, ...over }, KEY, NOW)).toThrow(invalid);
  });

  it('cannot be changed or made up', () => {
    const cursor = sealCursor(NEXT, SCOPE, KEY, NOW);
    const letter = fc.constantFrom(...'ABCxyz019-_ .=%');
    fc.assert(
      fc.property(fc.nat(cursor.length - 1), letter, (at, other) => {
        fc.pre(cursor[at] !== other);
        const changed = cursor.slice(0, at) + other + cursor.slice(at + 1);
        expect(() => openCursor(changed, SCOPE, KEY, NOW)).toThrow(invalid);
      }),
    );
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), text => {
        expect(() => openCursor(text, SCOPE, KEY, NOW)).toThrow(invalid);
      }),
    );
    expect(() => openCursor(cursor, SCOPE, randomBytes(32), NOW)).toThrow(invalid);
  });

  it('ends', () => {
    const cursor = sealCursor(NEXT, SCOPE, KEY, NOW);
    expect(() => openCursor(cursor, SCOPE, KEY, NOW + CURSOR_SECONDS * 1_000 + 1)).toThrow(
      expect.objectContaining({ status: 400, scimType: 'expiredCursor' }),
    );
  });
});
