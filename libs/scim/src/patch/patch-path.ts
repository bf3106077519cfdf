import type { DialectReading } from '../dialect/dialect-reading.js';
import type { Filter } from '../filter/filter-ast.js';
import { parseElementFilter } from '../filter/parse-filter.js';
import { invalidPath } from '../scim-error.js';
import { resolveNamed, type AttributePath } from '../schema/attribute-path.js';
import type { Attribute, ResourceType } from '../schema/attribute.js';
import { findSubAttribute } from '../schema/resource-schema.js';

/** Where a PATCH operation acts: `attribute`, `attribute.sub`, `attribute[filter]`, `attribute[filter].sub` (RFC 7644 §3.5.2). */
export type PatchPath = {
  extension: string | undefined;
  attribute: Attribute;
  filter: Filter | undefined;
  sub: Attribute | undefined;
};

/** @returns undefined when the schema does not know the attribute; the dialect decides what that means */
export function parsePatchPath(
  text: string,
  type: ResourceType,
  reading: DialectReading,
): PatchPath | undefined {
  const open = text.indexOf('[');
  if (open < 0) {
    const path = resolveNamed(type, text.trim(), reading);
    return path && { ...path, filter: undefined };
  }
  const close = closingBracket(text, open);
  const path = resolveNamed(type, text.slice(0, open).trim(), reading);
  if (!path) return undefined;
  if (!path.attribute.multiValued || path.sub)
    throw invalidPath(`"${path.attribute.name}" has no elements to choose from`);
  const filter = parseElementFilter(text.slice(open + 1, close), path.attribute, reading);
  return { ...path, filter, sub: suffixOf(text.slice(close + 1).trim(), path) };
}

function closingBracket(text: string, open: number): number {
  let quoted = false;
  for (let i = open + 1; i < text.length; i += 1) {
    const char = text.charAt(i);
    if (quoted && char === '\\') i += 1;
    else if (char === '"') quoted = !quoted;
    else if (char === ']' && !quoted) return i;
  }
  throw invalidPath('a "[" in the path is not closed');
}

function suffixOf(suffix: string, path: AttributePath): Attribute | undefined {
  if (suffix === '') return undefined;
  const sub = suffix.startsWith('.') ? findSubAttribute(path.attribute, suffix.slice(1)) : undefined;
  if (!sub)
    throw invalidPath(
      `the path ends in "${suffix.slice(0, 60)}", which "${path.attribute.name}" does not have`,
    );
  return sub;
}
