import { describeSubscription } from '@sever/event-log/testing';
import { kafkaSubscription } from './testing/subscription-harness.js';
import { plainConnection } from './testing/kafka-log.js';

describeSubscription('the log on Kafka', {
  testTimeoutMs: 90_000,
  open: () => {
    const everybody = plainConnection(process.env['SEVER_TEST_KAFKA'] ?? '');
    return kafkaSubscription({ admin: everybody, relay: everybody, reader: everybody });
  },
});
