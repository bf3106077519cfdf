import type { JsonObject } from '../json-value.js';
import type { Attribute, ResourceType, Schema } from '../schema/attribute.js';
import { BULK_BYTES_MAX, BULK_OPERATIONS_MAX } from '../bulk/bulk-request.js';
import { CURSOR_SECONDS } from '../page/page-cursor.js';
import { PAGE_DEFAULT, PAGE_MAX } from '../page/page-request.js';

const META = 'urn:ietf:params:scim:schemas:core:2.0';

/** RFC 7643 §5: what this service can do, and nothing it cannot. */
export const serviceProviderConfig = (base: string): JsonObject => ({
  schemas: [`${META}:ServiceProviderConfig`],
  patch: { supported: true },
  bulk: { supported: true, maxOperations: BULK_OPERATIONS_MAX, maxPayloadSize: BULK_BYTES_MAX },
  filter: { supported: true, maxResults: PAGE_MAX },
  changePassword: { supported: false },
  sort: { supported: true },
  etag: { supported: true },
  // RFC 9865 §4.
  pagination: {
    cursor: true,
    index: true,
    defaultPaginationMethod: 'index',
    defaultPageSize: PAGE_DEFAULT,
    maxPageSize: PAGE_MAX,
    cursorTimeout: CURSOR_SECONDS,
  },
  authenticationSchemes: [
    {
      type: 'oauthbearertoken',
      name: 'Bearer token',
      description: 'A token of this connection, or a JWT of an issuer that it trusts',
      specUri: 'https://www.rfc-editor.org/info/rfc6750',
      primary: true,
    },
    {
      type: 'oauth2',
      name: 'OAuth 2.0 client credentials',
      description: 'A client of this connection gets its bearer tokens at the token endpoint of the service',
      specUri: 'https://www.rfc-editor.org/info/rfc6749',
      primary: false,
    },
  ],
  meta: { resourceType: 'ServiceProviderConfig', location: `${base}/ServiceProviderConfig` },
});

export const resourceTypeDocument = (base: string, type: ResourceType): JsonObject => ({
  schemas: [`${META}:ResourceType`],
  id: type.name,
  name: type.name,
  endpoint: type.endpoint,
  description: type.schema.description,
  schema: type.schema.id,
  schemaExtensions: type.extensions.map(extension => ({ schema: extension.id, required: false })),
  meta: { resourceType: 'ResourceType', location: `${base}/ResourceTypes/${type.name}` },
});

export const schemaDocument = (base: string, schema: Schema): JsonObject => ({
  schemas: [`${META}:Schema`],
  id: schema.id,
  name: schema.name,
  description: schema.description,
  attributes: schema.attributes.map(attributeDocument),
  meta: { resourceType: 'Schema', location: `${base}/Schemas/${schema.id}` },
});

function attributeDocument(a: Attribute): JsonObject {
  const { subAttributes, canonicalValues, referenceTypes, ...rest } = a;
  return {
    ...rest,
    ...(canonicalValues && { canonicalValues: [...canonicalValues] }),
    ...(referenceTypes && { referenceTypes: [...referenceTypes] }),
    ...(subAttributes.length > 0 && { subAttributes: subAttributes.map(attributeDocument) }),
  };
}
