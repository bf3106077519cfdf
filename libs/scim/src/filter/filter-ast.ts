import type { AttributePath } from '../schema/attribute-path.js';
import type { Attribute } from '../schema/attribute.js';
import { findSubAttribute } from '../schema/resource-schema.js';

export type CompareOperator = 'eq' | 'ne' | 'co' | 'sw' | 'ew' | 'gt' | 'ge' | 'lt' | 'le';
export type Literal = string | number | boolean | null;

/** A filter of RFC 7644 §3.4.2.2, resolved against a schema. Literals have the type of their attribute. */
export type Filter =
  | { kind: 'compare'; path: AttributePath; operator: CompareOperator; value: Literal }
  | { kind: 'present'; path: AttributePath }
  /** `emails[type eq "work"]`: some one element of a multi-valued attribute satisfies the inner filter. */
  | { kind: 'element'; path: AttributePath; filter: Filter }
  | { kind: 'and' | 'or'; left: Filter; right: Filter }
  | { kind: 'not'; filter: Filter };

/** The attribute whose values a path names; a comparison with a complex attribute means its `value`. */
export function leafOf(path: AttributePath): Attribute {
  if (path.sub) return path.sub;
  const { attribute } = path;
  return attribute.type === 'complex' ? (findSubAttribute(attribute, 'value') ?? attribute) : attribute;
}
