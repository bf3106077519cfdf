import type { JsonObject } from '../json-value.js';

export const LIST_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';

/** A page by its index (RFC 7644 §3.4.2); `Resources` is always there, also when empty. */
export const listResponse = (
  resources: readonly JsonObject[],
  total: number,
  page: { startIndex: number },
): JsonObject => ({
  schemas: [LIST_SCHEMA],
  totalResults: total,
  startIndex: page.startIndex,
  itemsPerPage: resources.length,
  Resources: [...resources],
});

/** A page of a walk (RFC 9865 §2): without `nextCursor` it is the last one. `total` was counted at the beginning of the walk. */
export const cursorResponse = (
  resources: readonly JsonObject[],
  total: number,
  nextCursor: string | undefined,
): JsonObject => ({
  schemas: [LIST_SCHEMA],
  totalResults: total,
  itemsPerPage: resources.length,
  ...(nextCursor !== undefined && { nextCursor }),
  Resources: [...resources],
});
