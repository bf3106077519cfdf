export { createKafkaEventLogConsumer } from './consumer/kafka-event-log-consumer.js';
export { type KafkaConsumerOptions } from './consumer/kafka-consumer-options.js';
export { ensureKafkaTopics } from './ensure-kafka-topics.js';
export { createKafkaEventLogAdmin } from './kafka-event-log-admin.js';
export { createKafkaRelayTarget } from './kafka-relay-target.js';
export { patchRequestQueue } from './request-queue-patch.js';
export { grantOnKafka } from './grant-on-kafka.js';
export { kafkaEnvironment, kafkaSettings, type KafkaConnection } from './kafka-settings.js';
