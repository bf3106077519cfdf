import type { CompareOperator, Literal } from '../filter/filter-ast.js';
import { folded } from '../filter/match-filter.js';
import type { Attribute } from '../schema/attribute.js';
import type { SqlParameters } from './sql-store.js';

const SYMBOLS = { eq: '=', gt: '>', ge: '>=', lt: '<', le: '<=' } as const;
/** Against an empty text: every assigned value is greater and contains it, none equals it. */
const AGAINST_EMPTY: Readonly<Record<Exclude<CompareOperator, 'ne'>, 'present' | 'never'>> = {
  eq: 'never',
  lt: 'never',
  le: 'never',
  gt: 'present',
  ge: 'present',
  co: 'present',
  sw: 'present',
  ew: 'present',
};

/**
 * `value operator literal` for one value in comparable form. Empty texts count as absent, so `value` is NULL for them, or the
 * operators of a column that may hold them are guarded by the caller.
 */
export function operatorSql(
  operator: Exclude<CompareOperator, 'ne'>,
  value: string,
  literal: NonNullable<Literal>,
  leaf: Attribute,
  parameters: SqlParameters,
): string {
  if (typeof literal === 'boolean')
    return operator === 'eq' ? `(${value}) = ${parameters.bind(literal)}::boolean` : 'false';
  if (typeof literal === 'number') {
    // As text: a driver may not write a number as numeric without loss.
    return operator === 'co' || operator === 'sw' || operator === 'ew'
      ? 'false'
      : `(${value}) ${SYMBOLS[operator]} ${parameters.bind(String(literal))}::numeric`;
  }
  if (literal === '') return AGAINST_EMPTY[operator] === 'never' ? 'false' : `(${value}) <> ''`;
  const text = leaf.type === 'dateTime' ? literal : folded(leaf, literal);
  if (operator === 'co' || operator === 'sw' || operator === 'ew')
    return `(${value}) like ${parameters.bind(pattern(operator, text))}::text`;
  return `(${value}) ${SYMBOLS[operator]} ${parameters.bind(text)}::text`;
}

function pattern(operator: 'co' | 'sw' | 'ew', text: string): string {
  const escaped = text.replace(/[\\%_]/g, '\\$&');
  return `${operator === 'sw' ? '' : '%'}${escaped}${operator === 'ew' ? '' : '%'}`;
}
