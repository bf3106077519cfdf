import type { IncomingHttpHeaders } from 'node:http';
import { ScimError } from '@sever/scim';

/** What a request asks of the version that is there (RFC 9110 §13.1.1, §13.1.2). What is left out asks for nothing. */
export type Preconditions = { ifMatch?: string | undefined; ifNoneMatch?: string | undefined };

export const preconditionsOf = (headers: IncomingHttpHeaders): Preconditions => ({
  ifMatch: headers['if-match'],
  ifNoneMatch: headers['if-none-match'],
});

/**
 * For a write, that both hold.
 * @param what the kind of resource, for the refusal
 * @throws ScimError 412
 */
export function checkWrite(wanted: Preconditions, what: string, etag: string): void {
  const unmet = unmetOf(wanted, etag);
  if (unmet !== undefined) throw refusal(unmet, what, etag);
}

/**
 * For a read, that it means this version.
 * @returns whether the client has it already, which is a 304
 * @throws ScimError 412
 */
export function isKnown(wanted: Preconditions, what: string, etag: string): boolean {
  const unmet = unmetOf(wanted, etag);
  if (unmet === 'If-Match') throw refusal(unmet, what, etag);
  return unmet === 'If-None-Match';
}

/** The first that does not hold, in the order of RFC 9110 §13.2.2. */
function unmetOf(
  { ifMatch, ifNoneMatch }: Preconditions,
  etag: string,
): 'If-Match' | 'If-None-Match' | undefined {
  if (ifMatch !== undefined && !namesTag(ifMatch, etag)) return 'If-Match';
  if (ifNoneMatch !== undefined && namesTag(ifNoneMatch, etag)) return 'If-None-Match';
  return undefined;
}

/** Whether a header names a version: `*`, or a list with it. All tags here are weak (RFC 7644 §3.14), so that `W/` counts for nothing. */
function namesTag(header: string, etag: string): boolean {
  if (header.trim() === '*') return true;
  const opaque = (tag: string): string => tag.trim().replace(/^W\//, '');
  return header.split(',').some(tag => opaque(tag) === opaque(etag));
}

const refusal = (unmet: 'If-Match' | 'If-None-Match', what: string, etag: string): ScimError =>
  new ScimError(
    412,
    unmet === 'If-Match'
      ? `the ${what} has version ${etag}, which If-Match does not name; read it again and repeat the request`
      : `the ${what} has version ${etag}, which If-None-Match rules out`,
  );
