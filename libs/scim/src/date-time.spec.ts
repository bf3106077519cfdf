import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canonicalDateTime } from './date-time.js';
import { compareText } from './text-order.js';

describe('a date and time', () => {
  it.each([
    ['2015-10-10T14:38:21.8617979-07:00', '2015-10-10T21:38:21.861Z'],
    ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02t03:04:05z', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02T03:04:05', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02T03:04:05.5+14:00', '2026-01-01T13:04:05.500Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['0000-01-01T00:00:00Z', '0000-01-01T00:00:00.000Z'],
    ['0099-12-31T23:59:59Z', '0099-12-31T23:59:59.000Z'],
  ])('%s is %s', (text, canonical) => {
    expect(canonicalDateTime(text)).toBe(canonical);
  });

  it.each([
    '',
    '2026',
    '2026-01-02',
    'Jan 1 2026',
    '2023-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-02T24:00:00Z',
    '2026-01-02T03:04:60Z',
    '2026-01-02T03:04:05+15:00',
    '2026-01-02T03:04:05+01:60',
    '9999-12-31T23:59:59-01:00',
    '0000-01-01T00:00:00+01:00',
    '12026-01-02T03:04:05Z',
    ' 2026-01-02T03:04:05Z',
  ])('%j is none', text => {
    expect(canonicalDateTime(text)).toBeUndefined();
  });

  it('agrees with Date, and orders as text', () => {
    const date = fc.date({
      noInvalidDate: true,
      min: new Date('0000-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59Z'),
    });
    fc.assert(
      fc.property(date, date, (a, b) => {
        expect(canonicalDateTime(a.toISOString())).toBe(a.toISOString());
        expect(Math.sign(compareText(a.toISOString(), b.toISOString()))).toBe(
          Math.sign(a.getTime() - b.getTime()),
        );
      }),
    );
  });
});

describe('text', () => {
  it('orders by code point', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
        expect(Math.sign(compareText(a, b))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
      }),
    );
    expect(compareText('\uffff', '\u{1f600}')).toBeLessThan(0);
  });
});
