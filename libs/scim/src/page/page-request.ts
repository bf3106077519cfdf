import { ScimError, invalidValue } from '../scim-error.js';

export const PAGE_DEFAULT = 100;
export const PAGE_MAX = 200;

/** A page by its index (RFC 7644 §3.4.2.4): 1-based start. */
export type IndexPage = { startIndex: number; count: number };

/** A page by a cursor (RFC 9865 §2); an empty one asks for the first page. */
export type CursorPage = { cursor: string; count: number };

export type PageParameters = Partial<Record<'startIndex' | 'count' | 'cursor', string>>;

/**
 * Reads how a client goes through a list: with `cursor`, or by index without. A page has at most {@link PAGE_MAX} resources.
 * @throws ScimError 400 `invalidValue`, `invalidCount`
 */
export function parsePage({ cursor, startIndex, count }: PageParameters): IndexPage | CursorPage {
  if (cursor === undefined)
    return {
      startIndex: Math.max(1, integer('startIndex', startIndex) ?? 1),
      count: Math.min(PAGE_MAX, Math.max(0, integer('count', count) ?? PAGE_DEFAULT)),
    };
  if (startIndex !== undefined)
    throw invalidValue('send "cursor" or "startIndex", not both: they are two ways through a list');
  return { cursor, count: cursorCount(count) };
}

function cursorCount(count: string | undefined): number {
  if (count === undefined || count === '') return PAGE_DEFAULT;
  const value = wholeNumber(count);
  if (value >= 1) return Math.min(PAGE_MAX, value);
  throw new ScimError(400, `"count" must be an integer from 1 to ${PAGE_MAX} with a cursor`, 'invalidCount');
}

function integer(name: string, text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const value = wholeNumber(text);
  if (Number.isNaN(value)) throw invalidValue(`"${name}" must be an integer`);
  return value;
}

/** Digits as a person writes them, and no `0x1F` or `1e3`; NaN for anything else. */
function wholeNumber(text: string): number {
  const value = /^[+-]?[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : Number.NaN;
}
