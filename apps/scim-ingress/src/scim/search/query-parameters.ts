import { ScimError, type SearchParameters } from '@sever/scim';

/** Parameters of a read (RFC 7644 §3.4.2, §3.9). */
export type ReadParameters = SearchParameters;

/** @throws ScimError 400 `invalidValue` for a parameter that stands there twice: there is no telling which one is meant */
export function readParameters(query: object): ReadParameters {
  for (const [name, value] of Object.entries(query))
    if (typeof value !== 'string')
      throw new ScimError(400, `the parameter "${name.slice(0, 40)}" must be given once`, 'invalidValue');
  return query;
}
