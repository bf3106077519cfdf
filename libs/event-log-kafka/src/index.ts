export { ensureKafkaTopics } from './ensure-kafka-topics.js';
export { createKafkaRelayTarget } from './kafka-relay-target.js';
export { patchRequestQueue } from './request-queue-patch.js';
export { kafkaSettings, type KafkaConnection } from './kafka-settings.js';
