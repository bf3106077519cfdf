import type { StoredGroup } from '@sever/directory';
import {
  GROUP,
  applyPatch,
  applyResolved,
  checkRequired,
  isObject,
  newResource,
  parsePatch,
  replacedResource,
  splitMembership,
  type DialectReading,
  type Json,
  type JsonObject,
  type MembershipDelta,
} from '@sever/scim';
import type { GroupChange, LoadMembers } from '../../writes/group-writes.js';
import { memberValue } from './group-document.js';

/** The group that a POST asks for. @throws ScimError 400 */
export const groupOfPost = (body: Json, reading: DialectReading): GroupChange =>
  apart(newResource(body, GROUP, reading));

/** What a PUT makes of a group; members that it leaves out are gone (RFC 7644 §3.5.1). @throws ScimError 400 */
export const groupOfPut = (before: StoredGroup, body: Json, reading: DialectReading): GroupChange =>
  apart(replacedResource(before.attributes, body, GROUP, reading));

/**
 * Reads a PATCH once; the result says what it makes of a group. Members are loaded only when the outcome depends on who they are.
 * @throws ScimError 400
 */
export function patchOfGroup(
  body: Json,
  reading: DialectReading,
): (before: StoredGroup, load: LoadMembers) => GroupChange | Promise<GroupChange> {
  const operations = parsePatch(body, reading);
  const split = splitMembership(operations, GROUP, reading);
  return (before, load) => {
    const served = { id: before.id };
    if (split) {
      const after = applyResolved(before.attributes, split.rest, GROUP, reading, served);
      return { attributes: checkRequired(after, GROUP), members: split.members };
    }
    return load().then(members => {
      const whole = { ...before.attributes, members: members.map(memberValue) };
      return apart(checkRequired(applyPatch(whole, operations, GROUP, reading, served), GROUP));
    });
  };
}

/** The attributes of a group, and its members as the set that replaces the one before. */
function apart({ members, ...attributes }: JsonObject): GroupChange {
  return { attributes, members: onlyThese(Array.isArray(members) ? members : []) };
}

function onlyThese(members: readonly Json[]): MembershipDelta {
  const add = new Map<string, JsonObject>();
  for (const member of members)
    if (isObject(member) && typeof member.value === 'string' && !add.has(member.value))
      add.set(member.value, member);
  return { clears: true, remove: new Set(), add };
}
