import type { AttributePath } from '../schema/attribute-path.js';

export type CompareOperator = 'eq' | 'ne' | 'co' | 'sw' | 'ew' | 'gt' | 'ge' | 'lt' | 'le';
export type Literal = string | number | boolean | null;

/** A filter of RFC 7644 §3.4.2.2, resolved against a schema. */
export type Filter =
  | { kind: 'compare'; path: AttributePath; operator: CompareOperator; value: Literal }
  | { kind: 'present'; path: AttributePath }
  /** `emails[type eq "work"]`: some one element satisfies the inner filter. */
  | { kind: 'element'; path: AttributePath; filter: Filter }
  | { kind: 'and' | 'or'; left: Filter; right: Filter }
  | { kind: 'not'; filter: Filter };
