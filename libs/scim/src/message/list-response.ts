import { invalidValue } from '../scim-error.js';
import type { JsonObject } from '../json-value.js';

export const LIST_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';
export const PAGE_DEFAULT = 100;
export const PAGE_MAX = 200;

/** A page of a query (RFC 7644 §3.4.2.4): 1-based start, size at most {@link PAGE_MAX}. */
export type Page = { startIndex: number; count: number };

/** Reads the paging parameters: a start below 1 is 1, a negative count is 0. */
export function parsePage(startIndex: string | undefined, count: string | undefined): Page {
  return {
    startIndex: Math.max(1, integer('startIndex', startIndex) ?? 1),
    count: Math.min(PAGE_MAX, Math.max(0, integer('count', count) ?? PAGE_DEFAULT)),
  };
}

function integer(name: string, text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw invalidValue(`"${name}" must be an integer`);
  return value;
}

/** A list answer; `Resources` is always there, also when empty. */
export const listResponse = (resources: readonly JsonObject[], total: number, page: Page): JsonObject => ({
  schemas: [LIST_SCHEMA],
  totalResults: total,
  startIndex: page.startIndex,
  itemsPerPage: resources.length,
  Resources: [...resources],
});
