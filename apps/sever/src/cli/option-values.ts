import { durationSeconds } from '@sever/config';
import { InvalidArgumentError } from 'commander';

/** Values of options, checked before anything is asked: what is no such value is wrong usage, and the message names the option. */

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Requests per second. */
export function rateLimit(text: string): number | 'off' {
  if (text === 'off') return text;
  if (/^[1-9][0-9]{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It takes a number from 1 to 999999999, or off.');
}

/** A duration as the REST door reads it. */
export function duration(text: string): string {
  if (durationSeconds.safeParse(text).success) return text;
  throw new InvalidArgumentError('It takes a duration such as 10s, 5m, 12h or 90d.');
}

/** A duration of a second or more. */
export function lifetime(text: string): string {
  const { data } = durationSeconds.safeParse(text);
  if (data !== undefined && data >= 1) return text;
  throw new InvalidArgumentError('It takes a duration of a second or more, such as 12h or 90d.');
}

export const oneOf =
  (names: readonly string[]) =>
  (text: string): string => {
    if (names.includes(text)) return text;
    throw new InvalidArgumentError(`It takes ${alternatives(names)}.`);
  };

/** The id of a tenant of Entra ID. Its tokens write it in small letters, and claims are compared exactly. */
export function entraTenant(text: string): string {
  if (UUID.test(text)) return text.toLowerCase();
  throw new InvalidArgumentError(
    'It takes the id of the tenant, a GUID such as 11111111-2222-3333-4444-555555555555.',
  );
}

/** `a, b or c`. */
export const alternatives = (names: readonly string[]): string =>
  [names.slice(0, -1).join(', '), ...names.slice(-1)].filter(Boolean).join(' or ');
