export {
  advanceConsumerOffsets,
  loadConsumerOffsets,
  type Advance,
  type ConsumerPosition,
} from './consumer-offsets.js';
export {
  createPostgresEventLogConsumer,
  type PostgresConsumerOptions,
} from './consumer/postgres-event-log-consumer.js';
export { countBehind, fetchRecords, type Position } from './consumer/fetch.js';
export { eventLogMigrations } from './event-log-migrations.js';
export { createPostgresEventLogAdmin } from './postgres-event-log-admin.js';
export { scanValues, type LoggedValue } from './scan-values.js';
export { CHANGED, changeAndAppend, changeEachAndAppend } from './change-and-append.js';
export {
  WAKE_CHANNEL,
  createPostgresEventLogWriter,
  type PostgresEventLogWriter,
} from './postgres-event-log-writer.js';
