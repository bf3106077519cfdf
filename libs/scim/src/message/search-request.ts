import type { Json } from '../json-value.js';
import { invalidValue } from '../scim-error.js';
import { readMessage } from './message-members.js';

export const SEARCH_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest';

/** The parameters of a query, as they would stand in its address. */
export type SearchParameters = Partial<
  Record<
    | 'filter'
    | 'startIndex'
    | 'count'
    | 'cursor'
    | 'attributes'
    | 'excludedAttributes'
    | 'sortBy'
    | 'sortOrder',
    string
  >
>;

const TEXTS = ['filter', 'sortBy', 'sortOrder', 'cursor'] as const;
const LISTS = ['attributes', 'excludedAttributes'] as const;
const NUMBERS = ['startIndex', 'count'] as const;

/** Reads a search request (RFC 7644 §3.4.3). @throws ScimError 400 `invalidSyntax`, `invalidValue` for a parameter of the wrong type */
export function parseSearch(body: Json): SearchParameters {
  const said = readMessage(body, SEARCH_SCHEMA, [...TEXTS, ...LISTS, ...NUMBERS]);
  return {
    ...read(said, TEXTS, 'a string', value => (typeof value === 'string' ? value : undefined)),
    ...read(said, LISTS, 'an array of attribute names', namesOf),
    ...read(said, NUMBERS, 'an integer', value => (Number.isSafeInteger(value) ? String(value) : undefined)),
  };
}

function read<K extends keyof SearchParameters>(
  message: Partial<Record<K, Json>>,
  names: readonly K[],
  what: string,
  text: (value: Json) => string | undefined,
): SearchParameters {
  const found: SearchParameters = {};
  for (const name of names) {
    const value = message[name];
    if (value === undefined || value === null) continue;
    const said = text(value);
    if (said === undefined) throw invalidValue(`"${name}" must be ${what}`);
    found[name] = said;
  }
  return found;
}

function namesOf(value: Json): string | undefined {
  if (!Array.isArray(value) || !value.every(name => typeof name === 'string')) return undefined;
  return value.join(',');
}
