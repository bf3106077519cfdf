export {
  DIALECT_RULES,
  DialectReading,
  dialectOf,
  isDialectName,
  type Dialect,
  type DialectName,
  type DialectRule,
} from './dialect/dialect.js';
export { canonicalDateTime } from './date-time.js';
export { type Filter } from './filter/filter-ast.js';
export { matches } from './filter/match-filter.js';
export { parseFilter } from './filter/parse-filter.js';
export { isObject, parseJson, sameJson, type Json, type JsonObject } from './json-value.js';
export { resourceTypeDocument, schemaDocument, serviceProviderConfig } from './message/discovery.js';
export { listResponse, parsePage, type Page } from './message/list-response.js';
export { attributeNames, project } from './message/projection.js';
export { applyPatch, parsePatch, type PatchOperation } from './patch/apply-patch.js';
export { changedAttributes, checkRequired, newResource, replacedResource } from './resource-changes.js';
export { attribute, plural, type Attribute, type ResourceType, type Schema } from './schema/attribute.js';
export { ENTERPRISE_SCHEMA_ID, USER, USER_SCHEMA_ID } from './schema/user-schema.js';
export { parseSort, sortResources, type Sort } from './sort/sort-resources.js';
export { filterSql } from './sql/filter-sql.js';
export { sortSql } from './sql/sort-sql.js';
export { SqlParameters, sqlText, type SqlColumn, type SqlStore } from './sql/sql-store.js';
export { ScimError, errorBody, type ScimErrorBody, type ScimType } from './scim-error.js';
export { normaliseUserName } from './user-name.js';
