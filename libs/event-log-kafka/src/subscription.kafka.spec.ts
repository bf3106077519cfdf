import { PARTITIONS } from '@sever/event-log';
import { describeSubscription } from '@sever/event-log/testing';
import { createKafkaEventLogAdmin, createKafkaEventLogConsumer } from './index.js';
import { KafkaAdminSession } from './kafka-admin-session.js';
import { createKafkaClient } from './kafka-client.js';
import { KafkaLog, TOPICS, plainConnection } from './testing/kafka-log.js';
import { proxiedConnection, type ProxiedConnection } from './testing/proxied-connection.js';

describeSubscription('the log on Kafka', {
  testTimeoutMs: 90_000,
  open: async () => {
    const connection = plainConnection(process.env['SEVER_TEST_KAFKA'] ?? '');
    const admin = createKafkaEventLogAdmin(connection);
    await admin.ensureTopics(TOPICS.map(topic => ({ topic, partitions: PARTITIONS })));
    const log = await KafkaLog.open(connection);
    const session = new KafkaAdminSession(createKafkaClient(connection, 'spec'));
    const proxies: ProxiedConnection[] = [];
    const short = {
      connection,
      clientId: 'spec',
      sessionTimeoutMs: 6_000,
      heartbeatMs: 300,
      maxWaitMs: 100,
    };
    return {
      admin,
      append: records => log.append(records),
      makeConsumer: () => createKafkaEventLogConsumer(short),
      makeFreezable: async () => {
        const proxy = await proxiedConnection(connection.kafkaBrokers);
        proxies.push(proxy);
        const consumer = createKafkaEventLogConsumer({ ...short, socketFactory: proxy.socketFactory });
        return { consumer, freeze: proxy.freeze, thaw: proxy.thaw };
      },
      committed: group => session.committed(group, TOPICS),
      close: async () => {
        await Promise.all([...proxies.map(p => p.close()), session.close(), admin.close()]);
        await log.close();
      },
    };
  },
});
