const BASE_MS = 2_000;
const CAP_BEFORE_DEADLINE_MS = 30_000;
const CAP_AFTER_DEADLINE_MS = 15 * 60_000;

/** Full jitter: a random time up to the exponential bound; the bound is low while the deadline can still be met. */
export function retryDelayMs(
  tries: number,
  beforeDeadline: boolean,
  random: () => number = Math.random,
): number {
  const cap = beforeDeadline ? CAP_BEFORE_DEADLINE_MS : CAP_AFTER_DEADLINE_MS;
  const bound = Math.min(cap, BASE_MS * 2 ** Math.min(tries, 20));
  return Math.round(Math.max(BASE_MS / 4, random() * bound));
}
