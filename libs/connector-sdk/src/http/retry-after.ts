const EPOCH_SECONDS_MIN = 1_000_000_000;
const EPOCH_MS_MIN = 1_000_000_000_000;
/** Later than this is no date that anybody meant. */
const LATEST_MS = Date.UTC(9999, 11, 31);
const DEFAULT_MS = 60_000;
/** A vendor that says "now", or whose clock is behind, still gets a pause. */
const FLOOR_MS = 1_000;

/** Header names by which vendors say when the quota is free again, most specific first. */
const RESET_HEADERS = ['retry-after', 'x-ratelimit-reset', 'x-rate-limit-reset', 'ratelimit-reset'];

/** HTTP-date (RFC 9110, all three forms) or RFC 3339. What else a lenient date parser accepts is no date. */
const DATE = /^(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? |\d{4}-\d{2}-\d{2}t)/i;

/** One value: relative seconds, epoch seconds, epoch milliseconds, HTTP-date or RFC 3339. Undefined when it is none. */
export function parseReset(value: string, now: Date): Date | undefined {
  const time = timeOf(value.trim(), now);
  return time >= 0 && time <= LATEST_MS ? new Date(time) : undefined;
}

/** Milliseconds since the epoch, or NaN. */
function timeOf(text: string, now: Date): number {
  if (!/^[0-9]+(\.[0-9]+)?$/.test(text)) return DATE.test(text) ? Date.parse(text) : Number.NaN;
  const number = Number(text);
  if (number >= EPOCH_MS_MIN) return number;
  return number >= EPOCH_SECONDS_MIN ? number * 1_000 : now.getTime() + number * 1_000;
}

/** When a rate-limited reply allows the next call; never capped. A minute when the vendor does not say, a second at least. */
export function resetTime(headers: { get(name: string): string | null }, now: Date): Date {
  const stated = RESET_HEADERS.map(name => headers.get(name))
    .map(value => (value === null ? undefined : parseReset(value, now)))
    .find(date => date !== undefined);
  const until = stated?.getTime() ?? now.getTime() + DEFAULT_MS;
  return new Date(Math.max(until, now.getTime() + FLOOR_MS));
}
