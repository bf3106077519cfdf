import { PARTITIONS } from '@sever/event-log';
import type { SubscriptionHarness } from '@sever/event-log/testing';
import { createKafkaEventLogConsumer } from '../consumer/kafka-event-log-consumer.js';
import { KafkaAdminSession } from '../kafka-admin-session.js';
import { createKafkaClient } from '../kafka-client.js';
import { createKafkaEventLogAdmin } from '../kafka-event-log-admin.js';
import type { KafkaConnection } from '../kafka-settings.js';
import { KafkaLog, TOPICS } from './kafka-log.js';
import { proxiedConnection, type ProxiedConnection } from './proxied-connection.js';

/** Who connects: on brokers that ask for a name, each as itself. */
export type ContractConnections = { admin: KafkaConnection; relay: KafkaConnection; reader: KafkaConnection };

/** The contract suite on brokers; topics are made where they are missing. */
export async function kafkaSubscription(c: ContractConnections): Promise<SubscriptionHarness> {
  const admin = createKafkaEventLogAdmin(c.admin);
  await admin.ensureTopics(TOPICS.map(topic => ({ topic, partitions: PARTITIONS })));
  const log = await KafkaLog.open(c.relay);
  const session = new KafkaAdminSession(createKafkaClient(c.admin, 'spec'));
  const proxies: ProxiedConnection[] = [];
  const short = {
    ...{ connection: c.reader, clientId: 'spec' },
    ...{ sessionTimeoutMs: 6_000, heartbeatMs: 300, maxWaitMs: 100 },
  };
  return {
    admin,
    append: records => log.append(records),
    makeConsumer: () => createKafkaEventLogConsumer(short),
    makeFreezable: async () => {
      const proxy = await proxiedConnection(c.reader.kafkaBrokers);
      proxies.push(proxy);
      const consumer = createKafkaEventLogConsumer({ ...short, socketFactory: proxy.socketFactory });
      return { consumer, freeze: proxy.freeze, thaw: proxy.thaw };
    },
    committed: async group =>
      new Map([...(await session.commits(group, TOPICS))].map(([key, commit]) => [key, commit.offset])),
    close: async () => {
      await Promise.all([...proxies.map(p => p.close()), session.close(), admin.close()]);
      await log.close();
    },
  };
}
