import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { retryDelayMs } from './backoff.js';

const tries = fc.nat({ max: 10_000 });
const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('the wait before a later try', () => {
  it('is never longer than 30 seconds before the deadline and 15 minutes after it', () => {
    fc.assert(
      fc.property(tries, share, (n, r) => {
        expect(retryDelayMs(n, true, () => r)).toBeLessThanOrEqual(30_000);
        expect(retryDelayMs(n, false, () => r)).toBeLessThanOrEqual(900_000);
      }),
    );
  });

  it('is a positive whole number of milliseconds, so that a failing target is not hammered', () => {
    fc.assert(
      fc.property(tries, fc.boolean(), share, (n, inTime, r) => {
        const wait = retryDelayMs(n, inTime, () => r);
        expect(Number.isSafeInteger(wait)).toBe(true);
        expect(wait).toBeGreaterThanOrEqual(500);
      }),
    );
  });

  it('doubles its bound with every try until the cap', () => {
    const bounds = [0, 1, 2, 3, 4, 5].map(n => retryDelayMs(n, true, () => 1));
    expect(bounds).toEqual([2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(retryDelayMs(9, false, () => 1)).toBe(900_000);
  });

  it('spreads over the whole bound', () => {
    expect([0.25, 0.5, 0.75].map(r => retryDelayMs(3, true, () => r))).toEqual([4_000, 8_000, 12_000]);
  });
});
