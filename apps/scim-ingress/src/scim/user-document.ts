import type { StoredResource } from '@sever/directory';
import { USER, USER_SCHEMA_ID, type JsonObject } from '@sever/scim';
import { etag } from '../writes/user-request.js';

/** A stored user as the SCIM resource that its connection sees. */
export function userDocument(resource: StoredResource, base: string): JsonObject {
  const extensions = USER.extensions.map(e => e.id).filter(id => resource.attributes[id] !== undefined);
  return {
    schemas: [USER_SCHEMA_ID, ...extensions],
    id: resource.id,
    ...resource.attributes,
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
