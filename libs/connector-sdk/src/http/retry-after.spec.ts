import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseReset, resetTime } from './retry-after.js';

const now = new Date('2026-03-01T12:00:00Z');

describe('the reset of a quota', () => {
  it.each([
    ['seconds', '120', '2026-03-01T12:02:00.000Z'],
    ['seconds far beyond a minute', '7200', '2026-03-01T14:00:00.000Z'],
    ['HTTP-date', 'Sun, 01 Mar 2026 12:05:00 GMT', '2026-03-01T12:05:00.000Z'],
    ['HTTP-date of RFC 850', 'Sunday, 01-Mar-26 12:05:00 GMT', '2026-03-01T12:05:00.000Z'],
    ['epoch seconds', '1772366700', '2026-03-01T12:05:00.000Z'],
    ['epoch milliseconds', '1772366700000', '2026-03-01T12:05:00.000Z'],
    ['RFC 3339', '2026-03-01T13:05:00+01:00', '2026-03-01T12:05:00.000Z'],
  ])('is read from %s', (_name, value, expected) => {
    expect(parseReset(value, now)?.toISOString()).toBe(expected);
  });

  it.each([
    ['words', 'soon'],
    ['words that end in a number', 'try again in 5'],
    ['a negative number', '-5'],
    ['a number beyond all dates', '99999999999999999999'],
  ])('is a minute when the vendor says %s', (_name, value) => {
    expect(resetTime(new Headers({ 'retry-after': value }), now).toISOString()).toBe(
      '2026-03-01T12:01:00.000Z',
    );
  });

  it('is taken from the next header when the first says nothing', () => {
    const headers = new Headers({ 'retry-after': 'later', 'x-rate-limit-reset': '30' });
    expect(resetTime(headers, now).toISOString()).toBe('2026-03-01T12:00:30.000Z');
  });

  it.each([
    ['now', '0'],
    ['a moment that is past', 'Sun, 01 Mar 2026 11:00:00 GMT'],
  ])('is a second away when the vendor says %s', (_name, value) => {
    expect(resetTime(new Headers({ 'retry-after': value }), now).toISOString()).toBe(
      '2026-03-01T12:00:01.000Z',
    );
  });

  it('is a date in the future whatever the vendor sends', () => {
    const texts = fc.oneof(fc.string(), fc.nat().map(String), fc.bigInt({ min: 0n }).map(String));
    fc.assert(
      fc.property(texts, text => {
        const until = resetTime({ get: () => text }, now);
        expect(until.toISOString()).toMatch(/^\d{4}-/);
        expect(until.getTime()).toBeGreaterThan(now.getTime());
      }),
    );
  });
});
