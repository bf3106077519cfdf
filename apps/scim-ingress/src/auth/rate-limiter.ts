/** Requests that may come at once, as a multiple of the rate. */
const BURST = 5;

type Bucket = { tokens: number; at: number };

/** Token bucket per key. */
export class RateLimiter {
  private readonly buckets = new Map<string, Bucket>();

  /** @returns seconds to wait, or 0 when the request may pass */
  take(key: string, perSecond: number, now: number = performance.now()): number {
    const capacity = perSecond * BURST;
    const bucket = this.buckets.get(key) ?? { tokens: capacity, at: now };
    const tokens = Math.min(capacity, bucket.tokens + ((now - bucket.at) / 1_000) * perSecond);
    const passes = tokens >= 1;
    this.buckets.set(key, { tokens: passes ? tokens - 1 : tokens, at: now });
    return passes ? 0 : Math.max(1, Math.ceil((1 - tokens) / perSecond));
  }
}
