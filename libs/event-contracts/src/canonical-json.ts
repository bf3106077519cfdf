import canonicalize from 'canonicalize';
import { ContractError } from './contract-error.js';

const FORBIDDEN_NAMES = new Set(['__proto__']);

/** Refuses everything whose RFC 8785 form would not survive a parse: lone surrogates, unsafe numbers, functions, `__proto__`. */
function assertPlain(value: unknown, path: string): void {
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed())
        throw new ContractError('event.not-canonical', `${path} holds a lone surrogate`);
      return;
    case 'number':
      if (!Number.isSafeInteger(value))
        throw new ContractError('event.not-canonical', `${path} is not a safe integer; write it as a string`);
      return;
    case 'boolean':
      return;
    case 'object':
      return assertPlainObject(value, path);
    default:
      throw new ContractError('event.not-canonical', `${path} is a ${typeof value}`);
  }
}

function assertPlainObject(value: object | null, path: string): void {
  if (value === null) return;
  if (Array.isArray(value)) {
    value.forEach((item, i) => assertPlain(item, `${path}[${i}]`));
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null)
    throw new ContractError('event.not-canonical', `${path} is not a plain object`);
  for (const [name, member] of Object.entries(value)) {
    if (FORBIDDEN_NAMES.has(name) || !name.isWellFormed())
      throw new ContractError('event.not-canonical', `${path} has a forbidden member name`);
    if (member !== undefined) assertPlain(member, `${path}.${name}`);
  }
}

/**
 * RFC 8785 (JCS) text of a plain JSON value. Members that are `undefined` are left out.
 * @throws ContractError `event.not-canonical` for values that JCS cannot carry faithfully.
 */
export function canonicalJson(value: unknown): string {
  assertPlain(value, '$');
  const text = canonicalize(value);
  if (text === undefined) throw new ContractError('event.not-canonical', 'the value has no JSON form');
  return text;
}
