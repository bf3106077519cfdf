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

/** Adds elements; one that is there already changes at most what it did not say before. */
export function withAdded(
  elements: readonly Json[],
  added: readonly Json[],
  identity: ElementIdentity,
): Json[] {
  const result = [...elements];
  const find = elementFinder(elements, identity, added.length);
  const fresh: Json[] = [];
  const freshByKey = new Map<string, Json[]>();
  for (const item of added) {
    const key = identity.key(item);
    const same = find(item) ?? freshByKey.get(key)?.find(element => identity.isSame(element, item));
    if (same === undefined) {
      fresh.push(item);
      freshByKey.set(key, [...(freshByKey.get(key) ?? []), item]);
    } else if (isObject(same) && isObject(item) && !identity.isByValue)
      complete(same, item, identity.attribute);
  }
  result.push(...fresh);
  const primary = added.findLast(item => isObject(item) && item.primary === true);
  if (primary !== undefined) makePrimary(result, find(primary) ?? primary);
  return result;
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
