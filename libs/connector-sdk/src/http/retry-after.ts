const EPOCH_SECONDS_MIN = 1_000_000_000;
const EPOCH_MS_MIN = 1_000_000_000_000;

/** Header names by which vendors say when the quota is free again, most specific first. */
const RESET_HEADERS = ['retry-after', 'x-ratelimit-reset', 'x-rate-limit-reset', 'ratelimit-reset'];

/** One value: relative seconds, epoch seconds, epoch milliseconds, HTTP-date or RFC 3339. Undefined when it is none. */
export function parseReset(value: string, now: Date): Date | undefined {
  const text = value.trim();
  if (/^[0-9]+(\.[0-9]+)?$/.test(text)) {
    const number = Number(text);
    if (number >= EPOCH_MS_MIN) return new Date(number);
    if (number >= EPOCH_SECONDS_MIN) return new Date(number * 1_000);
    return new Date(now.getTime() + number * 1_000);
  }
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : new Date(time);
}

/** When a rate-limited reply allows the next call; never capped. A minute when the vendor does not say. */
export function resetTime(headers: { get(name: string): string | null }, now: Date): Date {
  for (const name of RESET_HEADERS) {
    const value = headers.get(name);
    const parsed = value === null ? undefined : parseReset(value, now);
    if (parsed) return parsed;
  }
  return new Date(now.getTime() + 60_000);
}
