import { userStore, type StoredResource } from '@sever/directory';
import { USER, USER_SCHEMA_ID, sqlText, type JsonObject, type SqlStore } from '@sever/scim';
import { etag } from '../../writes/user-request.js';

/** A stored user as the SCIM resource that its connection sees. */
export function userDocument(resource: StoredResource, base: string): JsonObject {
  const extensions = USER.extensions.map(e => e.id).filter(id => resource.attributes[id] !== undefined);
  return {
    schemas: [USER_SCHEMA_ID, ...extensions],
    id: resource.id,
    ...resource.attributes,
    ...(resource.groups && {
      groups: resource.groups.map(group => ({ ...group, $ref: `${base}/Groups/${group.value}` })),
    }),
    meta: {
      resourceType: 'User',
      created: resource.createdAt.toISOString(),
      lastModified: resource.modifiedAt.toISOString(),
      location: userLocation(resource.id, base),
      version: etag(resource),
    },
  };
}

export const userLocation = (id: string, base: string): string => `${base}/Users/${id}`;

const SCHEMAS_SQL = USER.extensions
  .map(
    e =>
      `case when attributes -> ${sqlText(e.id)} is null then '[]'::jsonb else ${sqlText(JSON.stringify([e.id]))}::jsonb end`,
  )
  .reduce(
    (sum, extension) => `${sum} || ${extension}`,
    `${sqlText(JSON.stringify([USER_SCHEMA_ID]))}::jsonb`,
  );

/** The members that {@link userDocument} adds, as the database can say them, so that filters and sorts see what clients see. */
export const storeOfUsers = (base: string): SqlStore =>
  userStore(base, {
    schemas: { kind: 'json', sql: SCHEMAS_SQL },
    meta: { kind: 'json', sql: `'{"resourceType":"User"}'::jsonb` },
    'meta.resourceType': { kind: 'text', sql: `'User'::text` },
    'meta.location': { kind: 'text', sql: `(${sqlText(`${base}/Users/`)} || id::text)` },
    'meta.version': { kind: 'text', sql: `('W/"' || version || '"')` },
  });
