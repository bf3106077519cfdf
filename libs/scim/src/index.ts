export { canonicalDateTime } from './date-time.js';
export { DialectReading } from './dialect/dialect-reading.js';
export { dialectReference } from './dialect/dialect-reference.js';
export { DIALECT_RULES, type DialectRule } from './dialect/dialect-rules.js';
export {
  DIALECT_NAMES,
  dialectOf,
  isDialectName,
  type Dialect,
  type DialectName,
} from './dialect/dialect.js';
export {
  BULK_BYTES_MAX,
  BULK_OPERATIONS_MAX,
  parseBulk,
  type BulkMethod,
  type BulkOperation,
  type BulkRequest,
} from './bulk/bulk-request.js';
export type { NamesOf } from './bulk/bulk-names.js';
export {
  BULK_AT_ONCE_MAX,
  runBulk,
  type BulkDone,
  type BulkService,
  type CarryOut,
} from './bulk/run-bulk.js';
export { type Filter } from './filter/filter-ast.js';
export { matches } from './filter/match-filter.js';
export { parseFilter } from './filter/parse-filter.js';
export { isObject, parseJson, sameJson, type Json, type JsonObject } from './json-value.js';
export { resourceTypeDocument, schemaDocument, serviceProviderConfig } from './message/discovery.js';
export { cursorResponse, listResponse } from './message/list-response.js';
export { parseSearch, type SearchParameters } from './message/search-request.js';
export { prefersAsync } from './message/prefer.js';
export { attributeNames, project } from './message/projection.js';
export {
  CURSOR_SECONDS,
  openCursor,
  sealCursor,
  type CursorScope,
  type NextPage,
} from './page/page-cursor.js';
export { parsePage, type CursorPage, type IndexPage } from './page/page-request.js';
export type { Place } from './page/place.js';
export { applyPatch, applyResolved } from './patch/apply-patch.js';
export { membersAfter, splitMembership, type GroupPatch, type MembershipDelta } from './patch/membership.js';
export { parsePatch, type PatchOperation } from './patch/patch-message.js';
export { type ResolvedOperation } from './patch/resolve-operations.js';
export { changedAttributes, checkRequired, newResource, replacedResource } from './resource-changes.js';
export { attribute, plural, type Attribute, type ResourceType, type Schema } from './schema/attribute.js';
export { GROUP, GROUP_SCHEMA_ID } from './schema/group-schema.js';
export { parseSchema, withExtensions } from './schema/parse-schema.js';
export { ENTERPRISE_SCHEMA_ID, USER, USER_SCHEMA_ID } from './schema/user-schema.js';
export { bodyShape } from './shape/body-shape.js';
export {
  parseSharedSort,
  parseSort,
  sortResources,
  type SharedSort,
  type Sort,
} from './sort/sort-resources.js';
export { filterSql } from './sql/filter-sql.js';
export { behindKeySql, keysetSql, placeSql } from './sql/keyset-sql.js';
export { directionSql, noSortKey, sortKeyOf, sortSql, type SortKey } from './sql/sort-sql.js';
export { SqlParameters, foldSql, sqlText, type SqlColumn, type SqlStore } from './sql/sql-store.js';
export { ScimError, errorBody, type ScimErrorBody, type ScimType } from './scim-error.js';
export { normaliseUserName, normalisedText } from './user-name.js';
