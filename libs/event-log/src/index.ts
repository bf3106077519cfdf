export { dueMember } from './due-member.js';
export { PARTITIONS, murmur2, partitionOf } from './partitioner.js';
export { type EventLogAdmin, type EventLogScanner, type TopicSpec } from './port/event-log-admin.js';
export { type ConsumerStart, type EventLogConsumer, type StartFrom } from './port/event-log-consumer.js';
export { EventLogError, type EventLogErrorCode } from './port/event-log-error.js';
export { type Appended, type EventLogWriter } from './port/event-log-writer.js';
export {
  partitionKey,
  type LogRecord,
  type NewRecord,
  type Offsets,
  type PartitionKey,
  type TopicPartition,
} from './port/log-record.js';
export { type RelayTarget } from './port/relay-target.js';
export { toRecord } from './to-record.js';
export { ack, park, retry, skip, stop, type Verdict } from './verdict.js';
