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
export { WAKE_CHANNEL, createPostgresEventLogWriter } from './postgres-event-log-writer.js';
