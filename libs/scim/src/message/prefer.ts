/** One preference: its name, then parameters in which quoted texts may hold commas. */
const PREFERENCE = /(?:[^",]|"(?:[^"\\]|\\.)*"?)+/g;

/**
 * Whether a client asks to be answered before its request is done: `respond-async` of the `Prefer` header (RFC 7240 §4.1), among
 * others, in any case, with parameters that mean nothing here. What cannot be read is no preference.
 */
export function prefersAsync(header: string | readonly string[] | undefined): boolean {
  const text = typeof header === 'string' ? header : (header ?? []).join(',');
  return [...text.matchAll(PREFERENCE)].some(([preference]) =>
    /^\s*respond-async\s*(=\s*("")?\s*)?(;|$)/i.test(preference),
  );
}
