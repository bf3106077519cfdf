import { describe, expect, it } from '@jest/globals';
import { RateLimiter } from './rate-limiter.js';

describe('the rate limiter', () => {
  it('lets a burst of five seconds pass, then the rate', () => {
    const limiter = new RateLimiter();
    const passed = Array.from({ length: 12 }, () => limiter.take('idp', 2, 0)).filter(wait => wait === 0);
    expect(passed).toHaveLength(10);
    expect(limiter.take('idp', 2, 0)).toBe(1);
    expect(limiter.take('idp', 2, 500)).toBe(0);
    expect(limiter.take('idp', 2, 500)).toBe(1);
  });

  it('counts each connection alone', () => {
    const limiter = new RateLimiter();
    for (let i = 0; i < 6; i += 1) limiter.take('loud', 1, 0);
    expect(limiter.take('loud', 1, 0)).toBe(1);
    expect(limiter.take('quiet', 1, 0)).toBe(0);
  });
});
