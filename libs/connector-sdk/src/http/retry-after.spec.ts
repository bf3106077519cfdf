import { describe, expect, it } from '@jest/globals';
import { parseReset, resetTime } from './retry-after.js';

const now = new Date('2026-03-01T12:00:00Z');

describe('the reset of a quota', () => {
  it.each([
    ['seconds', '120', '2026-03-01T12:02:00.000Z'],
    ['seconds far beyond a minute', '7200', '2026-03-01T14:00:00.000Z'],
    ['HTTP-date', 'Sun, 01 Mar 2026 12:05:00 GMT', '2026-03-01T12:05:00.000Z'],
    ['epoch seconds', '1772366700', '2026-03-01T12:05:00.000Z'],
    ['epoch milliseconds', '1772366700000', '2026-03-01T12:05:00.000Z'],
    ['RFC 3339', '2026-03-01T13:05:00+01:00', '2026-03-01T12:05:00.000Z'],
  ])('is read from %s', (_name, value, expected) => {
    expect(parseReset(value, now)?.toISOString()).toBe(expected);
  });

  it('is a minute when the vendor does not say', () => {
    expect(resetTime(new Headers({ 'retry-after': 'soon' }), now).toISOString()).toBe(
      '2026-03-01T12:01:00.000Z',
    );
  });
});
