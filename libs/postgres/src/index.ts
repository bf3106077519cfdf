export { binaryArray } from './binary-array.js';
export { type BinaryType } from './binary-writer.js';
export { copyOut } from './copy-out.js';
export { copyRows, type CopyColumn } from './copy-rows.js';
export {
  databaseErrorCode,
  isDatabaseUnavailable,
  isSerializationFailure,
  isUniqueViolation,
} from './database-errors.js';
export { listen, type ListenOptions, type Listener } from './listen.js';
export { MigrationError, migrate } from './migrate.js';
export { migration, type Migration } from './migration.js';
export { openDatabase, type DatabaseOptions } from './open-database.js';
export {
  GROUP_ROLES,
  connectorRole,
  ensureLogin,
  quoteIdentifier,
  quoteLiteral,
  roleMigrations,
  type GroupRole,
} from './roles.js';
export { plannedForOne } from './planned-for-one.js';
export { SharedCalls } from './shared-calls.js';
export { changed, oneRow, rows, type Queryable } from './sql.js';
export { execute, numberedFrom, type Statement } from './statement.js';
