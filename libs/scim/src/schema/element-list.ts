import { folded } from '../filter/match-filter.js';
import { isObject, sameJson, type Json, type JsonObject } from '../json-value.js';
import type { Attribute } from './attribute.js';
import { findSubAttribute } from './resource-schema.js';

/**
 * Elements of a multi-valued attribute are the same when their `value` is (by its `caseExact`) and their `type` where both have one.
 * A value that never changes (a group's member) is the element's identity: its type does not matter then.
 */
export class ElementIdentity {
  private readonly value: Attribute | undefined;
  /** Whether `value` alone tells elements apart. */
  readonly isByValue: boolean;

  constructor(readonly attribute: Attribute) {
    this.value = findSubAttribute(attribute, 'value');
    this.isByValue = this.value?.mutability === 'immutable';
  }

  /** Equal for elements that may be the same. */
  key(element: Json): string {
    const value = isObject(element) ? element.value : undefined;
    if (this.value && typeof value === 'string') return folded(this.value, value);
    return JSON.stringify(isObject(element) ? Object.entries(element).sort(byName) : element);
  }

  /** Equal for elements of which one list has only one: those with the same value and type, or both without a type (RFC 7643 §2.4). */
  listKey(element: Json): string {
    const key = this.key(element);
    if (!isObject(element) || element.value === undefined) return `=${key}`;
    const hasType = !this.isByValue && element.type !== undefined;
    return JSON.stringify(hasType ? [key, String(element.type).toLowerCase()] : [key]);
  }

  isSame(a: Json, b: Json): boolean {
    if (!isObject(a) || !isObject(b) || a.value === undefined || b.value === undefined) return sameJson(a, b);
    if (this.key(a) !== this.key(b)) return false;
    return this.isByValue || a.type === undefined || b.type === undefined || sameText(a.type, b.type);
  }
}

const byName = ([a]: [string, Json], [b]: [string, Json]): number => (a < b ? -1 : 1);
const sameText = (a: Json, b: Json): boolean => String(a).toLowerCase() === String(b).toLowerCase();

/** Below this many look-ups a scan is cheaper than an index of a large group. */
const SCANS_MAX = 8;

/** Finds the element that is the same as another one. */
export function elementFinder(
  elements: readonly Json[],
  identity: ElementIdentity,
  lookups: number,
): (wanted: Json) => Json | undefined {
  if (lookups <= SCANS_MAX) return wanted => elements.find(element => identity.isSame(element, wanted));
  const buckets = Map.groupBy(elements, element => identity.key(element));
  return wanted => buckets.get(identity.key(wanted))?.find(element => identity.isSame(element, wanted));
}

/** The elements that are the same as none of the listed ones. */
export function withoutListed(
  elements: readonly Json[],
  listed: readonly Json[],
  identity: ElementIdentity,
): Json[] {
  const find = elementFinder(listed, identity, elements.length);
  return elements.filter(element => find(element) === undefined);
}

/**
 * Adds elements; one that is there already changes at most what it did not say before. What is added is one list, in which an element
 * without a type is not the same as one with a type; it may still be the one that is there.
 */
export function withAdded(
  elements: readonly Json[],
  added: readonly Json[],
  identity: ElementIdentity,
): Json[] {
  const find = standingFinder(elements, added, identity);
  const fresh = new Map<string, Json>();
  let primary: Json | undefined;
  for (const item of added) {
    const key = identity.listKey(item);
    const same = find(item) ?? fresh.get(key);
    if (same === undefined) fresh.set(key, item);
    else if (isObject(same) && isObject(item) && !identity.isByValue)
      complete(same, item, identity.attribute);
    if (isObject(item) && item.primary === true) primary = same ?? item;
  }
  const result = [...elements, ...fresh.values()];
  if (primary !== undefined) makePrimary(result, primary);
  return result;
}

/**
 * Finds the element that an added one means: that of its value and type, else one of its value where one of the two has no type. An
 * element that the addition lists itself is not taken for another one.
 */
function standingFinder(
  elements: readonly Json[],
  added: readonly Json[],
  identity: ElementIdentity,
): (wanted: Json) => Json | undefined {
  if (identity.isByValue) return elementFinder(elements, identity, added.length);
  const byKey = new Map(elements.map(element => [identity.listKey(element), element]));
  const listed = new Set(added.map(item => identity.listKey(item)));
  const others = elements.filter(element => !listed.has(identity.listKey(element)));
  const findOther = elementFinder(others, identity, added.length);
  return wanted => byKey.get(identity.listKey(wanted)) ?? findOther(wanted);
}

/** Takes over the sub-attributes that an addition names; `value` and what is immutable stay. */
function complete(element: JsonObject, item: JsonObject, attribute: Attribute): void {
  for (const [name, value] of Object.entries(item)) {
    const isFixed = name === 'value' || findSubAttribute(attribute, name)?.mutability === 'immutable';
    if (!isFixed || element[name] === undefined) element[name] = value;
  }
}

/** At most one element of a multi-valued attribute is primary (RFC 7644 §3.5.2). */
export function makePrimary(elements: readonly Json[], primary: Json): void {
  for (const element of elements)
    if (isObject(element) && element !== primary && element.primary === true) element.primary = false;
}

/** The last element that says so stays primary. */
export function keepOnePrimary(elements: readonly Json[]): void {
  const last = elements.findLast(element => isObject(element) && element.primary === true);
  if (last !== undefined) makePrimary(elements, last);
}
