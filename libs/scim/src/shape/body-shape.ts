import { isObject, type Json, type JsonObject } from '../json-value.js';
import { textKind } from './text-kind.js';

/** Limits of a shape: a body may be a megabyte. */
const DEPTH_MAX = 6;
const NAMES_MAX = 40;
const KINDS_MAX = 5;

/** Names of attributes and paths as RFC 7644 §3.5.2 and the schema URNs write them, once literals are gone: spaces only in a filter. */
const NAME = /^[a-z$][\w$:.-]{0,199}(\[[\w$:.\-() …]{0,200}(\](\.[\w$-]{1,80})?)?)?$/i;
const LITERAL = /"(?:[^"\\]|\\.)*"?/g;
const OPERATION = /^[a-z]{1,20}$/i;
const URN = /^urn:[a-z0-9][\w:.-]{1,200}$/i;

/**
 * The form of a request body without anything that was in it: names of members, and of each value only what kind it is. Of values only the
 * words of the protocol stay: `op`, `path` without the literals of its filter, and the URNs of `schemas`. Two bodies of one form have
 * the same shape, so that requests nobody understood can be counted and kept without anybody's data.
 */
export const bodyShape = (body: Json): Json => shapeOf(body, 0);

function shapeOf(value: Json, depth: number): Json {
  if (Array.isArray(value)) return depth >= DEPTH_MAX ? 'array' : shapesOf(value, depth);
  if (isObject(value)) return depth >= DEPTH_MAX ? 'object' : objectShape(value, depth);
  if (value === null) return 'null';
  return typeof value === 'string' ? textKind(value) : typeof value;
}

/** The different shapes of the members, in the order in which they come first. */
function shapesOf(list: readonly Json[], depth: number): Json[] {
  const shapes = new Map<string, Json>();
  for (const value of list) {
    const shape = shapeOf(value, depth + 1);
    shapes.set(JSON.stringify(shape), shape);
    if (shapes.size === KINDS_MAX) break;
  }
  return [...shapes.values()];
}

function objectShape(object: JsonObject, depth: number): JsonObject {
  const members = Object.entries(object)
    .slice(0, NAMES_MAX)
    .map(([name, value]): [string, Json] => [
      nameShape(name),
      protocolWord(name, value) ?? shapeOf(value, depth + 1),
    ]);
  return Object.fromEntries(members);
}

/** What a member says in the language of the protocol, or undefined for what is somebody's data. */
function protocolWord(name: string, value: Json): Json | undefined {
  const member = name.toLowerCase();
  if (member === 'schemas' && Array.isArray(value))
    return value
      .slice(0, KINDS_MAX)
      .map(v => (typeof v === 'string' && URN.test(v) ? v : shapeOf(v, DEPTH_MAX)));
  if (typeof value !== 'string') return undefined;
  if (member === 'op' && OPERATION.test(value)) return value;
  return member === 'path' ? nameShape(value) : undefined;
}

/** A name or path as it was written, its literals left out; `(other)` for what is not written like one. */
function nameShape(name: string): string {
  const shown = name.replace(LITERAL, '…');
  return NAME.test(shown) ? shown : '(other)';
}
