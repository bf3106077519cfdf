import type { DialectReading } from '../dialect/dialect-reading.js';
import type { Filter } from '../filter/filter-ast.js';
import { isObject, type Json, type JsonObject } from '../json-value.js';
import type { ResourceType } from '../schema/attribute.js';
import { mutability } from '../scim-error.js';
import type { PatchOperation } from './patch-message.js';
import { canonicalList, listedForRemoval } from './patch-operations.js';
import type { PatchPath } from './patch-path.js';
import { resolveOperations, type ResolvedOperation } from './resolve-operations.js';

/**
 * What a PATCH does to the members of a group, whoever they are: first all go when `clears`, then the removed ones go, then the
 * added ones come; a member who is there already stays as he is.
 */
export type MembershipDelta = {
  clears: boolean;
  remove: ReadonlySet<string>;
  add: ReadonlyMap<string, JsonObject>;
};

/** A PATCH of a group in two parts that do not touch each other: `rest` is for `applyResolved`. */
export type GroupPatch = { rest: ResolvedOperation[]; members: MembershipDelta };

/**
 * Reads a PATCH of a group so that it can be applied without its members.
 * @returns undefined when the outcome depends on who is in the group (`members[type eq "User"]`): then load it and use `applyPatch`
 * @throws ScimError as `applyPatch`
 */
export function splitMembership(
  operations: readonly PatchOperation[],
  type: ResourceType,
  reading: DialectReading,
): GroupPatch | undefined {
  const rest: ResolvedOperation[] = [];
  const delta = new Delta();
  for (const operation of resolveOperations(operations, type, reading)) {
    if ('extension' in operation || operation.path.attribute.name !== 'members' || operation.path.extension)
      rest.push(operation);
    else if (!fold(delta, operation, reading)) return undefined;
  }
  return { rest, members: delta };
}

/** The members of a group after a delta. */
export function membersAfter(members: readonly Json[], delta: MembershipDelta): Json[] {
  const valueOf = (member: Json): Json | undefined => (isObject(member) ? member.value : undefined);
  const kept = delta.clears
    ? []
    : members.filter(member => {
        const value = valueOf(member);
        return typeof value !== 'string' || !delta.remove.has(value);
      });
  const there = new Set(kept.map(valueOf));
  return [...kept, ...[...delta.add].filter(([value]) => !there.has(value)).map(([, member]) => member)];
}

class Delta implements MembershipDelta {
  clears = false;
  readonly remove = new Set<string>();
  readonly add = new Map<string, JsonObject>();

  clear(): void {
    this.clears = true;
    this.remove.clear();
    this.add.clear();
  }

  removeOne(value: string): void {
    this.add.delete(value);
    if (!this.clears) this.remove.add(value);
  }

  addOne(member: Json): void {
    if (isObject(member) && typeof member.value === 'string' && !this.add.has(member.value))
      this.add.set(member.value, member);
  }
}

type MemberOperation = { op: PatchOperation['op']; path: PatchPath; value: Json | undefined };

/** @returns false when it cannot be done without the members */
function fold(delta: Delta, { op, path, value }: MemberOperation, reading: DialectReading): boolean {
  if (path.sub) return false;
  if (op !== 'remove') {
    if (path.filter) return false;
    const listed = canonicalList(path.attribute, value ?? null, reading);
    if (op === 'replace') delta.clear();
    for (const member of listed) delta.addOne(member);
    return true;
  }
  if (path.attribute.required) throw mutability(`"${path.attribute.name}" is required`);
  if (path.filter) return removeNamed(delta, path.filter);
  const listed = listedForRemoval(path, value, reading);
  if (listed === 'all') delta.clear();
  else for (const member of listed) if (isObject(member)) delta.removeOne(String(member.value));
  return true;
}

function removeNamed(delta: Delta, filter: Filter): boolean {
  const values = valuesNamed(filter);
  if (!values) return false;
  for (const value of values) delta.removeOne(value);
  return true;
}

/** `value eq "a" or value eq "b"`: the values, whoever is in the group. */
function valuesNamed(filter: Filter): string[] | undefined {
  if (filter.kind === 'compare' && filter.operator === 'eq' && filter.path.attribute.name === 'value')
    return typeof filter.value === 'string' ? [filter.value] : undefined;
  if (filter.kind !== 'or') return undefined;
  const left = valuesNamed(filter.left);
  const right = valuesNamed(filter.right);
  return left && right && [...left, ...right];
}
