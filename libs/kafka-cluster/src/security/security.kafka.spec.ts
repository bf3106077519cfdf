import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Kafka } from 'kafkajs';
import { startKafkaCluster } from '../kafka-cluster.js';
import { startScratchKafka } from '../testing/index.js';
import { consume, createTopic, kafkaClient, kafkaClientWith, produce } from '../testing/kafka-session.js';
import { ensureStores } from './certificates.js';
import { pipelineUsers } from './pipeline-users.js';

jest.setTimeout(180_000);

describe('a secured cluster', () => {
  let cluster: Awaited<ReturnType<typeof startScratchKafka>>;
  const as = (user: string): Kafka => kafkaClient(cluster, user);

  beforeAll(async () => {
    cluster = await startScratchKafka({ security: { users: pipelineUsers(['scim']) } });
    for (const topic of ['requests', 'outcomes']) await createTopic(as('admin'), topic, 1);
    await produce(as('relay'), 'requests', ['r']);
    await produce(as('relay'), 'outcomes', ['o']);
  });
  afterAll(() => cluster.dispose());

  it('lets a connector read requests in its own group', async () => {
    expect(await consume(as('connector-scim'), 'connector-scim', 'requests', 1)).toEqual(['r']);
  });

  it('does not let a connector read outcomes', async () => {
    await expect(consume(as('connector-scim'), 'connector-scim', 'outcomes', 1)).rejects.toMatchObject({
      type: 'TOPIC_AUTHORIZATION_FAILED',
    });
  });

  it('does not let a connector into the group of another', async () => {
    await expect(consume(as('connector-scim'), 'projector', 'requests', 1)).rejects.toThrow(
      /authoriz|coordinator/i,
    );
  });

  it.each(['connector-scim', 'projector', 'coordinator'])('does not let %s write', async user => {
    for (const topic of ['requests', 'outcomes'])
      await expect(produce(as(user), topic, ['forged'])).rejects.toThrow(/not authorized/i);
  });

  it('lets nobody but the administrator make or delete topics', async () => {
    await expect(createTopic(as('connector-scim'), 'mine', 1)).rejects.toMatchObject({
      errors: [{ type: 'TOPIC_AUTHORIZATION_FAILED' }],
    });
    const admin = as('relay').admin();
    await admin.connect();
    await expect(admin.deleteTopics({ topics: ['requests'] })).rejects.toThrow(/authoriz/i);
    await admin.disconnect();
  });

  it.each(['projector', 'coordinator'])('lets %s read both topics', async user => {
    expect(await consume(as(user), user, 'requests', 1)).toEqual(['r']);
    expect(await consume(as(user), user, 'outcomes', 1)).toEqual(['o']);
  });

  const connecting = async (config: Parameters<typeof kafkaClientWith>[0]): Promise<void> => {
    const admin = kafkaClientWith({ ...config, connectionTimeout: 3_000, retry: { retries: 0 } }).admin();
    try {
      await admin.connect();
      await admin.listTopics();
    } finally {
      await admin.disconnect();
    }
  };
  const right = () => ({
    brokers: cluster.brokers.split(','),
    ssl: { ca: [cluster.security!.ca] },
    sasl: { mechanism: 'scram-sha-512' as const, ...cluster.security!.credential('relay') },
  });

  it('takes the right credentials over TLS', async () => {
    await expect(connecting(right())).resolves.toBeUndefined();
  });

  it('refuses a client without credentials, with a wrong password, or without TLS', async () => {
    await expect(connecting({ ...right(), sasl: undefined })).rejects.toThrow();
    const wrong = { ...right().sasl, password: 'wrong' };
    await expect(connecting({ ...right(), sasl: wrong })).rejects.toThrow(/authentication failed/i);
    await expect(connecting({ ...right(), ssl: false })).rejects.toThrow();
  });

  it('is refused by a client that trusts another authority', async () => {
    const elsewhere = mkdtempSync(path.join(tmpdir(), 'sever-other-ca-'));
    try {
      const { ca } = ensureStores(elsewhere, 'stranger');
      await expect(connecting({ ...right(), ssl: { ca: [ca] } })).rejects.toThrow(/certificate|signature/i);
    } finally {
      rmSync(elsewhere, { recursive: true, force: true });
    }
  });

  it('refuses on its internal ports whoever has no certificate of its own authority', async () => {
    const layout = JSON.parse(readFileSync(path.join(cluster.dataDir, 'cluster.json'), 'utf8')) as {
      nodes: { internalPort: number }[];
    };
    const internalPort = layout.nodes[0]?.internalPort ?? 0;
    await expect(
      connecting({ ...right(), brokers: [`127.0.0.1:${internalPort}`], sasl: undefined }),
    ).rejects.toThrow();
  });

  it('keeps keys and passwords from others', () => {
    const modes = ['users.json', ...readdirSync(path.join(cluster.dataDir, 'tls')).map(f => `tls/${f}`)].map(
      name => [name, statSync(path.join(cluster.dataDir, name)).mode & 0o777],
    );
    expect(modes).toEqual(modes.map(([name]) => [name, 0o600]));
  });

  it('learns a user that is added later', async () => {
    await cluster.stop();
    const again = await startKafkaCluster({
      brokers: 1,
      dataDir: cluster.dataDir,
      security: { users: pipelineUsers(['scim', 'postgres']) },
    });
    try {
      const later = kafkaClient(again, 'connector-postgres');
      expect(await consume(later, 'connector-postgres', 'requests', 1)).toEqual(['r']);
      expect(await consume(kafkaClient(again, 'connector-scim'), 'connector-scim', 'requests', 1)).toEqual([
        'r',
      ]);
    } finally {
      await again.stop();
    }
  });
});
