/**
 * Whether an `If-Match` or `If-None-Match` header names a version: `*`, or a list with it. Tags are weak (RFC 9110 §8.8.3.2), so that
 * `W/` counts for nothing.
 */
export function namesTag(header: string, etag: string): boolean {
  if (header.trim() === '*') return true;
  const opaque = (tag: string): string => tag.trim().replace(/^W\//, '');
  return header.split(',').some(tag => opaque(tag) === opaque(etag));
}
