import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describeSubscription } from '@sever/event-log/testing';
import { pipelineUsers } from '@sever/kafka-cluster';
import { startScratchKafka } from '@sever/kafka-cluster/testing';
import type { KafkaConnection } from './kafka-settings.js';
import { plainConnection } from './testing/kafka-log.js';
import { kafkaSubscription } from './testing/subscription-harness.js';

describeSubscription('the log over TLS and SASL, with the access rules of the pipeline', {
  testTimeoutMs: 120_000,
  open: async () => {
    const cluster = await startScratchKafka({ security: { users: pipelineUsers([]) } });
    const kafkaCaFile = path.join(cluster.dataDir, 'ca-of-clients.pem');
    writeFileSync(kafkaCaFile, cluster.security?.ca ?? '', { mode: 0o600 });
    const as = (user: string): KafkaConnection => {
      const { username, password } = cluster.security?.credential(user) ?? {};
      return {
        ...plainConnection(cluster.brokers),
        kafkaCaFile,
        kafkaUser: username,
        kafkaPassword: password,
      };
    };
    // Groups of the suite have names of their own, which only the administrator may use.
    const harness = await kafkaSubscription({ admin: as('admin'), relay: as('relay'), reader: as('admin') });
    return {
      ...harness,
      close: async () => {
        await harness.close();
        await cluster.dispose();
      },
    };
  },
});
