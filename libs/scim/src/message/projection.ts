import { isObject, type Json, type JsonObject } from '../json-value.js';
import { splitUrn } from '../schema/attribute-path.js';
import type { Attribute, ResourceType } from '../schema/attribute.js';
import {
  commonAttributes,
  findAttribute,
  findExtension,
  findSubAttribute,
} from '../schema/resource-schema.js';

/** Reads a comma separated list of attribute names; commas inside a bracket filter do not separate. */
export function attributeNames(text: string | undefined): string[] {
  const names: string[] = [];
  let name = '';
  let depth = 0;
  for (const char of text ?? '') {
    if (char === '[') depth += 1;
    if (char === ']') depth -= 1;
    if (char === ',' && depth <= 0) {
      names.push(name);
      name = '';
    } else name += char;
  }
  return [...names, name].map(n => n.trim()).filter(Boolean);
}

/** Attributes by place (`extension` and name) and what of each is meant: all of it, or some sub-attributes. */
type Choice = Map<string, 'all' | Set<string>>;

const placeOf = (extension: string | undefined, name: string): string => `${extension ?? ''}\n${name}`;
const WHOLE = '*';

/**
 * The resource as a client is to see it (RFC 7644 §3.9, RFC 7643 §7): `attributes` and `excludedAttributes` by the `returned` of each
 * attribute. `always` cannot be taken away, `never` is never shown, `request` only when it is named. Names that the schema does not
 * know choose nothing.
 */
export function project(
  resource: JsonObject,
  type: ResourceType,
  only: readonly string[],
  without: readonly string[],
): JsonObject {
  if (only.length === 0 && without.length === 0 && !hidesSomething(type)) return resource;
  return new Projection(
    type,
    only.length > 0 ? choiceOf(type, only) : undefined,
    choiceOf(type, without),
  ).apply(resource);
}

class Projection {
  constructor(
    private readonly type: ResourceType,
    private readonly only: Choice | undefined,
    private readonly without: Choice,
  ) {}

  apply(resource: JsonObject): JsonObject {
    const out: JsonObject = {};
    for (const [name, value] of Object.entries(resource)) {
      const extension = findExtension(this.type, name);
      if (extension && isObject(value)) {
        const members = this.members(value, extension.id);
        if (Object.keys(members).length > 0) out[name] = members;
      } else this.copy(out, name, value, undefined);
    }
    return out;
  }

  private members(holder: JsonObject, extension: string): JsonObject {
    const out: JsonObject = {};
    for (const [name, value] of Object.entries(holder)) this.copy(out, name, value, extension);
    return out;
  }

  private copy(out: JsonObject, name: string, value: Json, extension: string | undefined): void {
    const attribute = findAttribute(this.type, name, extension)?.attribute;
    if (!attribute) {
      if (!this.only) out[name] = value;
      return;
    }
    const chosen = this.chosen(attribute, extension);
    if (!chosen || attribute.returned === 'never') return;
    if (attribute.type !== 'complex') {
      out[name] = value;
      return;
    }
    const excluded = this.without.get(placeOf(extension, attribute.name));
    const shown = withSubs(value, attribute, sub => showsSub(sub, chosen, excluded));
    if (shown !== undefined) out[name] = shown;
  }

  /** What of an attribute is asked for, `undefined` for nothing. */
  private chosen(attribute: Attribute, extension: string | undefined): 'all' | Set<string> | undefined {
    if (attribute.returned === 'always') return 'all';
    const place = placeOf(extension, attribute.name);
    const whole = placeOf(extension, WHOLE);
    const excluded = this.without.get(place) ?? this.without.get(whole);
    if (excluded === 'all') return undefined;
    const named = this.only?.get(place);
    if (named) return named;
    const isByDefault = attribute.returned === 'default' && (!this.only || this.only.has(whole));
    if (isByDefault) return 'all';
    return attribute.subAttributes.some(sub => sub.returned === 'always') && attribute.returned === 'default'
      ? new Set()
      : undefined;
  }
}

function showsSub(
  sub: Attribute,
  chosen: 'all' | Set<string>,
  excluded: 'all' | Set<string> | undefined,
): boolean {
  if (sub.returned === 'never') return false;
  if (sub.returned === 'always') return true;
  if (excluded instanceof Set && excluded.has(sub.name)) return false;
  if (chosen === 'all') return sub.returned === 'default';
  return chosen.has(sub.name);
}

/** A complex value with some of its sub-attributes; undefined when none is left. */
function withSubs(value: Json, attribute: Attribute, shows: (sub: Attribute) => boolean): Json | undefined {
  if (attribute.subAttributes.every(shows)) return value;
  const pick = (item: Json): Json => {
    if (!isObject(item)) return item;
    const kept = Object.entries(item).filter(([name]) => {
      const sub = findSubAttribute(attribute, name);
      return sub !== undefined && shows(sub);
    });
    return Object.fromEntries(kept);
  };
  if (!Array.isArray(value)) return notEmpty(pick(value));
  const items = value.map(pick).filter(item => notEmpty(item) !== undefined);
  return items.length > 0 ? items : undefined;
}

const notEmpty = (value: Json): Json | undefined =>
  isObject(value) && Object.keys(value).length === 0 ? undefined : value;

/** A bracket filter in a projection (`emails[type eq "work"]`) chooses the whole attribute. */
function choiceOf(type: ResourceType, names: readonly string[]): Choice {
  const choice: Choice = new Map();
  for (const text of names) {
    const { urn, rest } = splitUrn(type, text.replace(/\[.*\]/s, ''));
    const extension = urn && findExtension(type, urn)?.id;
    if (urn && rest === '') {
      choice.set(placeOf(extension, WHOLE), 'all');
      continue;
    }
    const [name = '', subName] = rest.split('.');
    const found = findAttribute(type, name, urn);
    if (!found) continue;
    const place = placeOf(found.extension, found.attribute.name);
    const sub = subName === undefined ? undefined : findSubAttribute(found.attribute, subName);
    if (subName === undefined) choice.set(place, 'all');
    else if (sub && choice.get(place) !== 'all') {
      const before = choice.get(place);
      choice.set(place, new Set([...(before instanceof Set ? before : []), sub.name]));
    }
  }
  return choice;
}

const HIDING = new WeakMap<ResourceType, boolean>();

/** Whether some attribute of the type is not shown by default. */
function hidesSomething(type: ResourceType): boolean {
  const known = HIDING.get(type);
  if (known !== undefined) return known;
  const isHidden = (a: Attribute): boolean =>
    a.returned === 'never' || a.returned === 'request' || a.subAttributes.some(isHidden);
  const hides =
    [type.schema, ...type.extensions].some(s => s.attributes.some(isHidden)) ||
    commonAttributes().some(isHidden);
  HIDING.set(type, hides);
  return hides;
}
