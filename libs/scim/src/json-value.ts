import { invalidSyntax } from './scim-error.js';

export type Json = string | number | boolean | null | Json[] | JsonObject;
export type JsonObject = { [name: string]: Json };

const POLLUTING = new Set(['__proto__', 'constructor', 'prototype']);

/** Names that could reach an object's prototype, in any case: never an attribute name. */
export const isPolluting = (name: string): boolean =>
  POLLUTING.has(name.toLowerCase()) || name in Object.prototype;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether a value counts as assigned (RFC 7643 §2.5); an empty text does not. */
export const isPresent = (value: Json): boolean =>
  value !== null &&
  value !== '' &&
  !(Array.isArray(value) && value.length === 0) &&
  !(isObject(value) && Object.keys(value).length === 0);

const DEPTH_MAX = 32;

/**
 * Parses a request body.
 * @throws ScimError 400 `invalidSyntax` for malformed JSON, a polluting member name or absurd nesting
 */
export function parseJson(text: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalidSyntax('the body is not valid JSON');
  }
  return checked(value, 0);
}

/** A copy on null-prototype-safe plain objects, after the check of every member name. */
function checked(value: unknown, depth: number): Json {
  if (depth > DEPTH_MAX) throw invalidSyntax(`the body is nested deeper than ${DEPTH_MAX} levels`);
  if (Array.isArray(value)) return value.map(item => checked(item, depth + 1));
  if (typeof value !== 'object' || value === null) {
    if (typeof value === 'string' && !value.isWellFormed())
      throw invalidSyntax('a string holds half a surrogate pair');
    if (typeof value === 'string' && value.includes('\0'))
      throw invalidSyntax('a string holds a NUL character');
    return value as Json;
  }
  const entries = Object.entries(value).map(([name, member]): [string, Json] => {
    if (isPolluting(name)) throw invalidSyntax(`the member name "${name.slice(0, 40)}" is not allowed`);
    if (!name.isWellFormed() || name.includes('\0')) throw invalidSyntax('a member name is not valid text');
    return [name, checked(member, depth + 1)];
  });
  return Object.fromEntries(entries);
}

/** Deep equality of JSON values; members in any order. */
export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, i) => sameJson(item, b[i]));
  if (!isObject(a) || !isObject(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every(name => Object.hasOwn(b, name) && sameJson(a[name], b[name]))
  );
}
