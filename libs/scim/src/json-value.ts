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

/** Whether a required attribute has a value that says something: blanks name nobody. */
export const isTold = (value: Json | undefined): boolean =>
  value !== undefined && !(typeof value === 'string' && value.trim() === '');

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
  check(value, 0);
  return value as Json;
}

/** Checks every text and member name. `JSON.parse` makes plain objects and sets no prototype: a bad name is a member like any other, and refused here. */
function check(value: unknown, depth: number): void {
  if (depth > DEPTH_MAX) throw invalidSyntax(`the body is nested deeper than ${DEPTH_MAX} levels`);
  if (typeof value === 'string') return checkText(value);
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) check(item, depth + 1);
    return;
  }
  for (const name of Object.keys(value)) {
    if (!fineNames.has(name)) checkName(name);
    check((value as Record<string, unknown>)[name], depth + 1);
  }
}

function checkText(text: string): void {
  if (!text.isWellFormed()) throw invalidSyntax('a string holds half a surrogate pair');
  if (text.includes('\0')) throw invalidSyntax('a string holds a NUL character');
}

/** Names that were found fine before: clients send the same few over and over. */
const fineNames = new Set<string>();
const FINE_NAMES_MAX = 1_000;
const FINE_NAME_LENGTH_MAX = 100;

function checkName(name: string): void {
  if (isPolluting(name)) throw invalidSyntax(`the member name "${name.slice(0, 40)}" is not allowed`);
  if (!name.isWellFormed() || name.includes('\0')) throw invalidSyntax('a member name is not valid text');
  if (fineNames.size < FINE_NAMES_MAX && name.length <= FINE_NAME_LENGTH_MAX) fineNames.add(name);
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
