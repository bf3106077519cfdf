import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { pipelineUsers } from '@sever/kafka-cluster';
import { registerForScram256, startScratchKafka } from '@sever/kafka-cluster/testing';
import { ensureKafkaTopics } from './ensure-kafka-topics.js';
import { createKafkaRelayTarget } from './kafka-relay-target.js';
import type { KafkaConnection } from './kafka-settings.js';
import { plainConnection } from './testing/index.js';

jest.setTimeout(120_000);

const PASSWORD = 'made-for-scram-256';

/** Some clusters offer this mechanism alone, so that it needs brokers of its own here too. */
describe('brokers that know a user by SCRAM-SHA-256', () => {
  let cluster: Awaited<ReturnType<typeof startScratchKafka>>;
  let kafkaCaFile: string;
  beforeAll(async () => {
    cluster = await startScratchKafka({
      security: { users: pipelineUsers([]) },
      settings: {
        'sasl.enabled.mechanisms': 'SCRAM-SHA-256,SCRAM-SHA-512',
        'listener.name.client.scram-sha-256.sasl.jaas.config':
          'org.apache.kafka.common.security.scram.ScramLoginModule required;',
      },
    });
    kafkaCaFile = path.join(cluster.dataDir, 'ca-of-clients.pem');
    writeFileSync(kafkaCaFile, cluster.security?.ca ?? '', { mode: 0o600 });
    const { username, password } = cluster.security?.credential('admin') ?? {};
    await ensureKafkaTopics({ ...encrypted(), kafkaUser: username, kafkaPassword: password }, [
      { topic: 'requests', partitions: 1 },
    ]);
    await registerForScram256(cluster, { username: 'relay', password: PASSWORD });
  });
  afterAll(() => cluster.dispose());

  const encrypted = (): KafkaConnection => ({ ...plainConnection(cluster.brokers), kafkaCaFile });

  /** @returns the offsets behind what the relay wrote */
  async function send(over: Partial<KafkaConnection>): Promise<unknown> {
    const target = createKafkaRelayTarget({ ...encrypted(), kafkaUser: 'relay', ...over });
    const record = {
      ...{ topic: 'requests', partition: 0, key: 'k', type: 'happened', headers: {}, timestamp: 0 },
      ...{ offset: 0n, logOffset: 0n, value: Buffer.from('{}') },
    };
    try {
      return await target.send([record]);
    } finally {
      await target.close();
    }
  }

  it('take what it writes', async () => {
    const over = { kafkaMechanism: 'scram-sha-256', kafkaPassword: PASSWORD } as const;
    expect(await send(over)).toEqual(new Map([['requests/0', 1n]]));
  });

  it.each([
    ['by the other mechanism', { kafkaMechanism: 'scram-sha-512' as const, kafkaPassword: PASSWORD }],
    ['with another password', { kafkaMechanism: 'scram-sha-256' as const, kafkaPassword: 'wrong' }],
    ['with a mechanism that is off', { kafkaMechanism: 'plain' as const, kafkaPassword: PASSWORD }],
  ])('refuse it %s', async (_how, over) => {
    await expect(send(over)).rejects.toMatchObject({ code: 'log.unauthenticated' });
  });
});
