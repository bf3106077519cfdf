import { ScimError, type SearchParameters } from '@sever/scim';

/** Parameters of a read (RFC 7644 §3.4.2, §3.9). */
export type ReadParameters = SearchParameters;

const KNOWN: Readonly<Record<keyof ReadParameters, true>> = {
  filter: true,
  startIndex: true,
  count: true,
  cursor: true,
  attributes: true,
  excludedAttributes: true,
  sortBy: true,
  sortOrder: true,
};

/**
 * Reads the parameters that the door knows; others are ignored.
 * @throws ScimError 400 `invalidValue` for one that stands there twice: there is no telling which is meant
 */
export function readParameters(query: object): ReadParameters {
  const known = Object.entries(query).filter(([name]) => Object.hasOwn(KNOWN, name));
  for (const [name, value] of known)
    if (typeof value !== 'string')
      throw new ScimError(400, `the parameter "${name}" must be given once`, 'invalidValue');
  return Object.fromEntries(known);
}
