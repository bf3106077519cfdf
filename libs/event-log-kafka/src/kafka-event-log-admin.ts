import type { EventLogAdmin } from '@sever/event-log';
import { ensureKafkaTopics } from './ensure-kafka-topics.js';
import { KafkaAdminSession } from './kafka-admin-session.js';
import { createKafkaClient } from './kafka-client.js';
import type { KafkaConnection } from './kafka-settings.js';

/** Topics and positions on the brokers. */
export function createKafkaEventLogAdmin(
  connection: KafkaConnection,
): EventLogAdmin & { close(): Promise<void> } {
  const session = new KafkaAdminSession(createKafkaClient(connection, 'sever-admin'));
  return {
    ensureTopics: specs => ensureKafkaTopics(connection, specs),
    offsetsForTime: (topic, timestamp) => session.offsetsForTime(topic, timestamp),
    endOffsets: async topic => (await session.bounds(topic)).ends,
    close: () => session.close(),
  };
}
