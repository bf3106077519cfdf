import { groupStore, type StoredGroup, type StoredMember } from '@sever/directory';
import {
  GROUP,
  GROUP_SCHEMA_ID,
  attributeNames,
  project,
  sqlText,
  type JsonObject,
  type SqlStore,
} from '@sever/scim';
import { groupEtag } from '../../writes/group-writes.js';
import type { ReadParameters } from '../search/query-parameters.js';

/** A stored group as the SCIM resource that its connection sees; without `members` when they were not read. */
export function groupDocument(
  group: StoredGroup,
  members: readonly StoredMember[] | undefined,
  base: string,
): JsonObject {
  return {
    schemas: [GROUP_SCHEMA_ID],
    id: group.id,
    ...group.attributes,
    ...(members && members.length > 0 && { members: members.map(member => memberDocument(member, base)) }),
    meta: {
      resourceType: 'Group',
      created: group.createdAt.toISOString(),
      lastModified: group.modifiedAt.toISOString(),
      location: groupLocation(group.id, base),
      version: groupEtag(group),
    },
  };
}

/** A member as the PATCH engine sees it. */
export const memberValue = ({ value, kind, data }: StoredMember): JsonObject => ({
  value,
  ...data,
  ...(kind && { type: kind }),
});

const memberDocument = (member: StoredMember, base: string): JsonObject => ({
  ...memberValue(member),
  ...(member.kind && { $ref: `${base}/${member.kind}s/${member.value}` }),
});

export const groupLocation = (id: string, base: string): string => `${base}/Groups/${id}`;

/** What of a group a client asks for. */
export function projectGroup(document: JsonObject, query: ReadParameters): JsonObject {
  return project(document, GROUP, attributeNames(query.attributes), attributeNames(query.excludedAttributes));
}

/** Whether an answer will show members: else they need not be read. */
export const showsMembers = (query: ReadParameters): boolean =>
  projectGroup({ members: [{ value: 'any', type: 'User', display: 'any', $ref: 'any' }] }, query).members !==
  undefined;

/** The members that {@link groupDocument} adds, as the database can say them, so that filters and sorts see what clients see. */
export const storeOfGroups = (base: string): SqlStore =>
  groupStore(base, {
    schemas: { kind: 'json', sql: `${sqlText(JSON.stringify([GROUP_SCHEMA_ID]))}::jsonb` },
    meta: { kind: 'json', sql: `'{"resourceType":"Group"}'::jsonb` },
    'meta.resourceType': { kind: 'text', sql: `'Group'::text` },
    'meta.location': { kind: 'text', sql: `(${sqlText(`${base}/Groups/`)} || id::text)` },
    'meta.version': { kind: 'text', sql: `('W/"' || version || '"')` },
  });
