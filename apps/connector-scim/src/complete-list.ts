import type { CallFailure } from '@sever/connector-sdk';
import type { Page } from './client.js';
import { malformed } from './outcomes.js';

/** Everything that a list holds. */
export type Complete<T> = { kind: 'Complete'; items: T[] };

const PAGES_MAX = 10_000;

/**
 * Reads a list to its end. Services that ignore paging repeat the first page: a page that brings nothing new ends the walk,
 * and the walk counts only when it saw as many resources as the service says there are.
 */
export async function completeList<T extends { id: string }>(
  pageFrom: (startIndex: number) => Promise<Page<T> | CallFailure>,
): Promise<Complete<T> | CallFailure> {
  const seen = new Map<string, T>();
  let total = 0;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const answer = await pageFrom(seen.size + 1);
    if (answer.kind !== 'Page') return answer;
    total = answer.total;
    const before = seen.size;
    for (const item of answer.items) seen.set(item.id, item);
    if (seen.size >= total || seen.size === before) break;
  }
  return seen.size < total
    ? malformed({ status: 200, contentType: '', bytes: 0 }, 'list.truncated')
    : { kind: 'Complete', items: [...seen.values()] };
}
