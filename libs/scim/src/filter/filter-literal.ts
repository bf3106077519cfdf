import { canonicalDateTime } from '../date-time.js';
import type { DialectReading } from '../dialect/dialect-reading.js';
import type { Attribute } from '../schema/attribute.js';
import { invalidFilter } from '../scim-error.js';
import type { CompareOperator, Literal } from './filter-ast.js';
import type { Token } from './filter-lexer.js';

const ORDERING: ReadonlySet<CompareOperator> = new Set<CompareOperator>(['gt', 'ge', 'lt', 'le']);
const TEXTUAL: ReadonlySet<CompareOperator> = new Set<CompareOperator>(['co', 'sw', 'ew']);
const NUMBER = /^-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,4})?$/;

/**
 * The value of a comparison, in the type of the attribute; dates in canonical form.
 * @throws ScimError 400 `invalidFilter` when there is none, or one of another type
 */
export function readLiteral(token: Token | undefined, leaf: Attribute, reading: DialectReading): Literal {
  if (token?.kind !== 'string' && token?.kind !== 'word')
    throw invalidFilter('a comparison in the filter has no value');
  const isQuoted = token.kind === 'string';
  if (!isQuoted && token.text.toLowerCase() === 'null') return null;
  switch (leaf.type) {
    case 'boolean':
      return booleanLiteral(token.text, isQuoted, leaf, reading);
    case 'integer':
    case 'decimal':
      return numberLiteral(token.text, isQuoted, leaf, reading);
    case 'dateTime':
      return dateLiteral(isQuoted ? token.text : bare(token.text, reading), leaf);
    default:
      return isQuoted ? token.text : bare(token.text, reading);
  }
}

function booleanLiteral(text: string, isQuoted: boolean, leaf: Attribute, reading: DialectReading): boolean {
  const lower = text.toLowerCase();
  if (lower !== 'true' && lower !== 'false')
    throw invalidFilter(`"${leaf.name}" is a boolean: compare it with true or false`);
  if (isQuoted && !reading.grants('loose-filter-literal'))
    throw invalidFilter(`"${leaf.name}" is a boolean; write true or false without quotes`);
  return lower === 'true';
}

function numberLiteral(text: string, isQuoted: boolean, leaf: Attribute, reading: DialectReading): number {
  const value = NUMBER.test(text) ? Number(text) : Number.NaN;
  if (!Number.isFinite(value)) throw invalidFilter(`"${leaf.name}" is a number: compare it with a number`);
  if (isQuoted && !reading.grants('loose-filter-literal'))
    throw invalidFilter(`"${leaf.name}" is a number; write it without quotes`);
  return value;
}

function dateLiteral(text: string, leaf: Attribute): string {
  const canonical = canonicalDateTime(text);
  if (canonical === undefined)
    throw invalidFilter(`"${leaf.name}" is compared with something that is no date and time (xsd:dateTime)`);
  return canonical;
}

function bare(text: string, reading: DialectReading): string {
  // Taken as they stand, the quotes would be part of the value, and nobody would be found.
  if (text.startsWith("'")) throw invalidFilter('a text in the filter must be in double quotes');
  if (!reading.grants('loose-filter-literal'))
    throw invalidFilter(`the value ${text.slice(0, 40)} must be in double quotes`);
  return text;
}

/** Whether an operator applies to an attribute at all (RFC 7644 §3.4.2.2, table 3). */
export function checkFits(leaf: Attribute, operator: CompareOperator, value: Literal): void {
  if (leaf.type === 'complex')
    throw invalidFilter(`"${leaf.name}" is complex; name one of its sub-attributes`);
  if (value === null && operator !== 'eq' && operator !== 'ne')
    throw invalidFilter(`"${operator}" does not apply to null`);
  if (ORDERING.has(operator) && (leaf.type === 'boolean' || leaf.type === 'binary'))
    throw invalidFilter(`"${operator}" does not apply to the ${leaf.type} attribute "${leaf.name}"`);
  const isText = leaf.type === 'string' || leaf.type === 'reference' || leaf.type === 'binary';
  if (TEXTUAL.has(operator) && !isText)
    throw invalidFilter(`"${operator}" does not apply to the ${leaf.type} attribute "${leaf.name}"`);
}
