import { isObject, type Json, type JsonObject } from '../json-value.js';
import { invalidSyntax, invalidValue } from '../scim-error.js';

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
  if (!isObject(body)) throw invalidSyntax('the body must be a JSON object');
  const { schemas } = body;
  if (!Array.isArray(schemas) || !schemas.includes(SEARCH_SCHEMA))
    throw invalidSyntax(`"schemas" must name ${SEARCH_SCHEMA}`);
  return {
    ...read(body, TEXTS, 'a string', value => (typeof value === 'string' ? value : undefined)),
    ...read(body, LISTS, 'an array of attribute names', namesOf),
    ...read(body, NUMBERS, 'an integer', value => (Number.isSafeInteger(value) ? String(value) : undefined)),
  };
}

function read<K extends keyof SearchParameters>(
  body: JsonObject,
  names: readonly K[],
  what: string,
  text: (value: Json) => string | undefined,
): SearchParameters {
  const found: SearchParameters = {};
  for (const name of names) {
    const value = body[name];
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
