import { normalisedText } from '../user-name.js';
import type { Filter } from './filter-ast.js';

/** A condition that a store can answer from an index and that every match of the filter satisfies. */
export type IndexLookup = { by: 'id' | 'externalId' | 'userName' | 'displayName'; value: string };

const INDEXED: ReadonlySet<string> = new Set(['id', 'externalId', 'userName', 'displayName']);

/** The most selective indexed equality that a filter implies, or undefined: the store then walks and matches. */
export function indexLookup(filter: Filter): IndexLookup | undefined {
  if (filter.kind === 'and') return indexLookup(filter.left) ?? indexLookup(filter.right);
  if (filter.kind !== 'compare' || filter.operator !== 'eq' || typeof filter.value !== 'string')
    return undefined;
  const { attribute, sub, extension } = filter.path;
  if (sub || extension || !INDEXED.has(attribute.name)) return undefined;
  const value = attribute.caseExact ? filter.value : normalisedText(filter.value);
  return { by: attribute.name as IndexLookup['by'], value };
}
