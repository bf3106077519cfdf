import { describeSubscription } from '@sever/event-log/testing';
import { startScratchKafka } from '@sever/kafka-cluster/testing';
import { plainConnection } from './testing/kafka-log.js';
import { kafkaSubscription } from './testing/subscription-harness.js';

describeSubscription('the log on three brokers, two copies before an acknowledgement', {
  testTimeoutMs: 120_000,
  open: async () => {
    const cluster = await startScratchKafka({ brokers: 3 });
    const everybody = plainConnection(cluster.brokers);
    const harness = await kafkaSubscription({ admin: everybody, relay: everybody, reader: everybody });
    return {
      ...harness,
      close: async () => {
        await harness.close();
        await cluster.dispose();
      },
    };
  },
});
