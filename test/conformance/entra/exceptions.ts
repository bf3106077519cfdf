import type { Assertion } from './newman.js';

/** An assertion of the collection that is not met on purpose. */
export type Exception = { request: string; assertion: string; reason: string };

/** None so far. */
export const EXCEPTIONS: readonly Exception[] = [];

/** What a run found that nobody wrote down: assertions that failed, and exceptions that are none any more. */
export function judged(
  assertions: readonly Assertion[],
  exceptions: readonly Exception[],
): { failed: string[]; needless: string[] } {
  const isOf = (one: Exception, a: Assertion): boolean =>
    one.request === a.request && one.assertion === a.assertion;
  return {
    failed: assertions
      .filter(a => a.error !== undefined && !exceptions.some(one => isOf(one, a)))
      .map(a => `${a.request}: ${a.assertion}: ${a.error}`),
    needless: exceptions
      .filter(one => !assertions.some(a => isOf(one, a) && a.error !== undefined))
      .map(one => `${one.request}: ${one.assertion} is listed and did not fail`),
  };
}
