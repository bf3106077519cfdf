import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DialectReading } from '../dialect/dialect-reading.js';
import { dialectOf, type DialectName } from '../dialect/dialect.js';
import { GROUP } from '../schema/group-schema.js';
import { ENTERPRISE_SCHEMA_ID, USER } from '../schema/user-schema.js';
import { ScimError } from '../scim-error.js';
import { matches } from './match-filter.js';
import { parseFilter } from './parse-filter.js';

const user = {
  id: 'ID-1',
  userName: 'A@X.io',
  externalId: 'Ext',
  active: true,
  name: { familyName: 'Employee' },
  emails: [
    { type: 'work', value: 'a@x.io' },
    { type: 'home', value: 'h@y.io' },
  ],
  meta: { created: '2026-01-02T03:04:05.678Z' },
};

const test = (filter: string, dialect: DialectName = 'strict'): boolean =>
  matches(parseFilter(filter, USER, new DialectReading(dialectOf(dialect))), user);

describe('filters of identity providers', () => {
  it.each([
    ['userName eq "a@x.io"', true],
    ['USERNAME EQ "A@x.IO"', true],
    ['externalId eq "ext"', false],
    ['externalId eq "Ext"', true],
    ['urn:ietf:params:scim:schemas:core:2.0:User:userName sw "a@"', true],
    ['emails[type eq "work"].value eq "a@x.io"', true],
    ['emails[type eq "home"].value eq "a@x.io"', false],
    ['emails[type eq "work" and value co "@x"]', true],
    ['emails.value ew "y.io"', true],
    ['active eq true', true],
    ['not (active eq true)', false],
    ['displayName pr', false],
    ['displayName ne "x"', true],
    ['name.familyName eq "employee" and (emails.value co "x.io" or emails.value co "z.io")', true],
    ['EMAILS[TYPE EQ "WORK"].VALUE EQ "A@X.IO"', true],
    ['emails ne "a@x.io"', true],
    ['emails[type eq "work"].value ne "a@x.io"', false],
    ['phoneNumbers ne "1"', true],
    ['emails pr and emails.type pr', true],
    ['emails[primary pr]', false],
    ['displayName eq null', true],
    ['userName ne null', true],
    ['name[familyName eq "employee" and givenName eq null]', true],
    ['name[givenName pr].familyName pr', false],
    ['(((active eq true)))', true],
    ['not (active eq false) and not (not (active eq true))', true],
    ['emails[not (type eq "work")].value sw "h@"', true],
    ['urn:ietf:params:scim:schemas:core:2.0:User:emails[type eq "work"].value pr', true],
    ['urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department pr', false],
    ['userName gt "A" and userName lt "b" and userName ge "a@x.io" and userName le "a@x.io"', true],
    ['meta.created eq "2026-01-02T04:04:05.6789+01:00"', true],
    ['active eq true or userName eq "b" and userName eq "c"', true],
    ['meta.created gt "2015-10-10T14:38:21.8617979-07:00"', true],
    ['meta.created lt "2015-10-10T14:38:21Z"', false],
  ])('%s', (filter, expected) => {
    expect(test(filter)).toBe(expected);
  });

  it.each(['userName sw A', 'externalId eq Ext', 'active eq "True"'])(
    '%s is understood on loose connections only',
    filter => {
      expect(test(filter, 'entra')).toBe(true);
      expect(() => test(filter)).toThrow(expect.objectContaining({ status: 400, scimType: 'invalidFilter' }));
    },
  );

  it.each([
    ['id eq ID-1 and manager eq M1', true],
    ['manager eq "m1"', false],
    ['manager.value eq "M1" and MANAGER pr and not (manager eq null)', true],
    ['manager[value eq "M1"]', true],
    ['department sw "S" and costCenter ne "x"', true],
    [`${ENTERPRISE_SCHEMA_ID}:manager eq "M1"`, true],
  ])('E20: %s finds attributes of an extension on loose connections', (filter, expected) => {
    const reading = new DialectReading(dialectOf('entra'));
    const person = {
      ...user,
      [ENTERPRISE_SCHEMA_ID]: { department: 'sales', manager: { value: 'M1', $ref: 'http://x' } },
    };
    expect(matches(parseFilter(filter, USER, reading), person)).toBe(expected);
    expect(reading.rules().includes('bare-extension-name')).toBe(!filter.startsWith('urn:'));
    if (!filter.startsWith('urn:'))
      expect(() => test(filter)).toThrow(expect.objectContaining({ status: 400, scimType: 'invalidFilter' }));
  });

  it.each([
    'favouriteColour eq "x"',
    'name.manager eq "x"',
    'manager.shoe eq "x"',
    'userName',
    'userName eq',
    'userName eq "x',
    'userName xx "y"',
    '(userName eq "x"',
    'userName eq "x")',
    'active gt true',
    'name eq "x"',
    'password eq "x"',
    'userName eq a\0b',
    'userName eq "a\\u0000b"',
    'userName eq \ud800',
    "userName eq 'a@x.io'",
    'active eq "maybe"',
    'active co "true"',
    'userName gt null',
    'meta.created eq "2026"',
    'meta.created sw "2026-01-02T03:04:05Z"',
    'emails[type eq "work"',
    'emails[type eq "work"]].value eq "x"',
    'emails[type eq "work"].shoe eq "x"',
    'emails.value[type eq "x"]',
    'userName[value eq "x"]',
    'not active eq true',
    'userName eq "x" and',
    'and',
    'members pr',
    'urn:unknown:schema:userName eq "x"',
    '__proto__ eq "x"',
    `${'('.repeat(30)}active eq true${')'.repeat(30)}`,
    Array.from({ length: 101 }, () => 'active eq true').join(' or '),
    `userName eq "${'x'.repeat(5_000)}"`,
  ])('refuses %.60s', filter => {
    expect(() => test(filter, 'lenient')).toThrow(
      expect.objectContaining({ status: 400, scimType: 'invalidFilter' }),
    );
  });

  it('takes attributes of other types that are searched together as absent', () => {
    const reading = new DialectReading(dialectOf('strict'));
    const both = (filter: string): boolean => matches(parseFilter(filter, USER, reading, [GROUP]), user);
    expect(both('members pr or userName pr')).toBe(true);
    expect(both('members[value eq "x"] or not (members pr)')).toBe(true);
    expect(both('members.value eq "x"')).toBe(false);
    // What a type that is searched has at its top counts before an extension of another one.
    const badge = { id: 'urn:x:badge', name: '', description: '', attributes: GROUP.schema.attributes };
    const type = { ...USER, extensions: [badge] };
    const loose = new DialectReading(dialectOf('entra'));
    expect(parseFilter('members pr', type, loose, [GROUP])).toMatchObject({ path: { extension: undefined } });
    expect(parseFilter('members pr', type, loose)).toMatchObject({ path: { extension: badge.id } });
  });

  it('never fails in another way, whatever is sent', () => {
    const word = fc.constantFrom(
      'userName',
      'emails',
      'type',
      '[',
      ']',
      '(',
      ')',
      'eq',
      'and',
      'or',
      'not',
      '"x"',
      'true',
      'pr',
      '.',
      '"',
      '\\',
      'ü',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(word, { maxLength: 25 }).map(words => words.join(' ')),
        ),
        text => {
          try {
            test(text, 'lenient');
          } catch (error) {
            expect(error).toBeInstanceOf(ScimError);
          }
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it('obeys the laws of logic', () => {
    const atom = fc.constantFrom(
      'active eq true',
      'userName eq "b"',
      'displayName pr',
      'emails[type eq "home"]',
      'externalId eq "Ext"',
    );
    fc.assert(
      fc.property(atom, atom, (a, b) => {
        expect(test(`not (${a} and ${b})`)).toBe(test(`not (${a}) or not (${b})`));
        expect(test(`${a} and ${b}`)).toBe(test(a) && test(b));
        expect(test(`${a} or ${b}`)).toBe(test(a) || test(b));
      }),
    );
  });
});
