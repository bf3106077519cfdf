import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { partitionKey, type LogRecord } from '@sever/event-log';
import { pipelineUsers } from '@sever/kafka-cluster';
import { startScratchKafka } from '@sever/kafka-cluster/testing';
import kafkajs from 'kafkajs';
import { ensureKafkaTopics } from './ensure-kafka-topics.js';
import { createKafkaRelayTarget } from './kafka-relay-target.js';
import type { KafkaConnection } from './kafka-settings.js';

jest.setTimeout(180_000);

const to = (brokers: string): KafkaConnection => ({
  kafkaBrokers: brokers.split(','),
  ...{ kafkaCaFile: undefined, kafkaUser: undefined, kafkaPassword: undefined },
});
const record = (topic: string, partition: number, offset: bigint): LogRecord => ({
  ...{ topic, partition, offset, logOffset: offset, key: `acme:${partition}` },
  ...{
    type: 'sever.spec.happened.v1',
    headers: { ce_id: randomUUID(), ce_type: 'sever.spec.happened.v1' },
    timestamp: 1_790_000_000_000,
  },
  value: Buffer.from(`{"at":"${topic}/${partition}/${offset}","ü":1}`),
});

type Read = {
  partition: number;
  offset: string;
  key: string;
  value: string;
  headers: Record<string, string>;
  timestamp: string;
};

/** What is in a topic, partition by partition in order, until there are `count` different records. */
async function readAll(brokers: string, topic: string, count: number): Promise<Read[]> {
  const consumer = new kafkajs.Kafka({
    brokers: brokers.split(','),
    logLevel: kafkajs.logLevel.NOTHING,
  }).consumer({
    groupId: randomUUID(),
    maxWaitTimeInMs: 200,
  });
  const read: Read[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${read.length} of ${count}`)), 60_000);
    void consumer.run({
      autoCommit: false,
      eachMessage: ({ partition, message }) => {
        const headers = Object.entries(message.headers ?? {}).map(([k, v]) => [k, String(v)] as const);
        read.push({
          ...{ partition, offset: message.offset, timestamp: message.timestamp },
          ...{ key: String(message.key), value: String(message.value), headers: Object.fromEntries(headers) },
        });
        const known = new Set(read.map(r => `${r.partition}/${r.headers['sever-log-offset']}`));
        if (known.size < count) return Promise.resolve();
        clearTimeout(timer);
        resolve();
        return Promise.resolve();
      },
    });
  });
  await consumer.disconnect();
  return read.sort((a, b) => a.partition - b.partition || Number(BigInt(a.offset) - BigInt(b.offset)));
}

/** Takes the copies of a topic away from a broker, which goes on running; what it led is led by others then. */
async function withdraw(brokers: string, topic: string, broker: number): Promise<void> {
  const admin = new kafkajs.Kafka({
    brokers: brokers.split(','),
    logLevel: kafkajs.logLevel.NOTHING,
  }).admin();
  await admin.connect();
  const partitions = async () =>
    (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]?.partitions ?? [];
  try {
    const partitionAssignment = (await partitions()).map(p => ({
      partition: p.partitionId,
      replicas: p.replicas.filter(id => id !== broker),
    }));
    await admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment }] });
    while ((await partitions()).some(p => p.leader === broker || p.replicas.includes(broker)))
      await new Promise(resolve => setTimeout(resolve, 100));
  } finally {
    await admin.disconnect();
  }
}

describe('Kafka as the target of the relay', () => {
  const brokers = process.env['SEVER_TEST_KAFKA'] ?? '';
  let topics: string[];
  const target = createKafkaRelayTarget(to(brokers));
  beforeEach(async () => {
    topics = [`requests-${randomUUID()}`, `outcomes-${randomUUID()}`];
    await ensureKafkaTopics(
      to(brokers),
      topics.map(topic => ({ topic, partitions: 4 })),
    );
  });
  afterAll(() => target.close());

  it('keeps place, key, bytes, headers and time of every record, and its log offset', async () => {
    const [topic = ''] = topics;
    const batch = [
      record(topic, 2, 0n),
      record(topic, 0, 0n),
      record(topic, 2, 1n),
      record(topics[1] ?? '', 3, 0n),
    ];
    await target.send(batch);
    const read = await readAll(brokers, topic, 3);
    const sent = [batch[1], batch[0], batch[2]];
    expect(read.map(r => r.partition)).toEqual([0, 2, 2]);
    expect(read.map(r => r.value)).toEqual(sent.map(r => String(r?.value)));
    expect(read.map(r => r.key)).toEqual(sent.map(r => r?.key));
    expect(read.map(r => r.timestamp)).toEqual(sent.map(r => String(r?.timestamp)));
    expect(read.map(r => r.headers)).toEqual(
      sent.map(r => ({ ...r?.headers, 'sever-log-offset': String(r?.logOffset) })),
    );
    expect((await target.endOffsets(topic)).get(partitionKey({ topic, partition: 2 }))).toBe(2n);
  });

  it('takes a thousand records in one batch, and refuses a second batch meanwhile', async () => {
    const [topic = ''] = topics;
    const batch = Array.from({ length: 1_000 }, (_, i) => record(topic, i % 4, BigInt(Math.floor(i / 4))));
    const sending = target.send(batch);
    await expect(target.send(batch)).rejects.toThrow('one batch at a time');
    await sending;
    expect([...(await target.endOffsets(topic)).values()]).toEqual([250n, 250n, 250n, 250n]);
  });

  it('refuses a topic with another number of partitions, and leaves one that is there alone', async () => {
    const [topic = ''] = topics;
    await ensureKafkaTopics(to(brokers), [{ topic, partitions: 4 }]);
    await expect(ensureKafkaTopics(to(brokers), [{ topic, partitions: 5 }])).rejects.toMatchObject({
      code: 'log.partition-mismatch',
    });
  });

  it('makes no topic by itself', async () => {
    await expect(target.send([record('nobody-made-this', 0, 0n)])).rejects.toMatchObject({
      code: 'log.unavailable',
    });
    await expect(target.endOffsets('nobody-made-this')).rejects.toMatchObject({ code: 'log.unavailable' });
  });

  it('leaves no timer running while it is idle', async () => {
    const [topic = ''] = topics;
    await target.send([record(topic, 0, 0n)]);
    const started = jest.spyOn(globalThis, 'setTimeout');
    await new Promise(resolve => setTimeout(resolve, 300));
    // The client's own endless timer would have run a hundred times and more.
    expect(started.mock.calls.length).toBeLessThan(10);
    started.mockRestore();
  });
});

describe('Kafka that goes away', () => {
  let cluster: Awaited<ReturnType<typeof startScratchKafka>>;
  beforeAll(async () => {
    cluster = await startScratchKafka({ brokers: 3 });
  });
  afterAll(() => cluster.dispose());

  it('rejects, and takes the same batch afterwards: when its leader is killed, and when all brokers were', async () => {
    const topic = 'requests';
    await ensureKafkaTopics(to(cluster.brokers), [{ topic, partitions: 6 }]);
    const target = createKafkaRelayTarget(to(cluster.brokers));
    const identity = await target.identity();
    expect(identity).toBe(cluster.clusterId);
    const batch = (from: bigint) => Array.from({ length: 6 }, (_, p) => record(topic, p, from));
    const insist = async (records: readonly LogRecord[]): Promise<unknown> => {
      const deadline = Date.now() + 60_000;
      for (;;) {
        try {
          return await target.send(records);
        } catch (error) {
          if (Date.now() > deadline) throw error;
        }
      }
    };
    await target.send(batch(0n));
    await cluster.nodes[0]?.kill();
    await insist(batch(1n));
    await Promise.all(cluster.nodes.slice(1).map(n => n.kill()));
    await expect(target.send(batch(2n))).rejects.toMatchObject({ code: 'log.unavailable', retryable: true });
    await Promise.all(cluster.nodes.map(n => n.start()));
    await insist(batch(2n));
    expect(await target.identity()).toBe(identity);
    await target.close();
    const read = await readAll(cluster.brokers, topic, 18);
    for (let p = 0; p < 6; p += 1) {
      const offsets = read.filter(r => r.partition === p).map(r => Number(r.headers['sever-log-offset']));
      // Repetitions of one batch may stand between: what a reader has seen first is in order.
      expect([...new Set(offsets)]).toEqual([0, 1, 2]);
    }
  });

  it('gets topics of which some brokers have not heard when they are asked', async () => {
    for (let round = 0; round < 30; round += 1)
      await ensureKafkaTopics(to(cluster.brokers), [{ topic: `requests-${randomUUID()}`, partitions: 6 }]);
  });

  it('does not take a batch as written when a leader has moved to a broker that has answered already', async () => {
    const topic = `requests-${randomUUID()}`;
    await ensureKafkaTopics(to(cluster.brokers), [{ topic, partitions: 6 }]);
    const target = createKafkaRelayTarget(to(cluster.brokers));
    const batch = (from: bigint) => Array.from({ length: 6 }, (_, p) => record(topic, p, from));
    await target.send(batch(0n));
    await withdraw(cluster.brokers, topic, 2);
    const rejection = await target.send(batch(1n)).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (rejection !== undefined) await target.send(batch(1n));
    const ends = [...(await target.endOffsets(topic)).values()];
    await target.close();
    expect(ends.filter(end => end < 2n)).toEqual([]);
  });
});

describe('Kafka that asks for credentials', () => {
  let cluster: Awaited<ReturnType<typeof startScratchKafka>>;
  beforeAll(async () => {
    cluster = await startScratchKafka({ security: { users: pipelineUsers(['scim']) } });
  });
  afterAll(() => cluster.dispose());

  const as = (user: string): KafkaConnection => {
    const kafkaCaFile = path.join(cluster.dataDir, 'ca-of-clients.pem');
    writeFileSync(kafkaCaFile, cluster.security?.ca ?? '', { mode: 0o600 });
    const { username, password } = cluster.security?.credential(user) ?? {};
    return { ...to(cluster.brokers), kafkaCaFile, kafkaUser: username, kafkaPassword: password };
  };

  it('takes records from the relay, topics from the administrator, and neither from a connector', async () => {
    const specs = [{ topic: 'requests', partitions: 3 }];
    await expect(ensureKafkaTopics(as('relay'), specs)).rejects.toMatchObject({ code: 'log.unavailable' });
    await ensureKafkaTopics(as('admin'), specs);
    const relay = createKafkaRelayTarget(as('relay'));
    expect(await relay.identity()).toBe(cluster.clusterId);
    await relay.send([record('requests', 1, 0n)]);
    expect((await relay.endOffsets('requests')).get('requests/1')).toBe(1n);
    const forger = createKafkaRelayTarget(as('connector-scim'));
    await expect(forger.send([record('requests', 1, 1n)])).rejects.toThrow(/not authorized/i);
    expect((await relay.endOffsets('requests')).get('requests/1')).toBe(1n);
    await Promise.all([relay.close(), forger.close()]);
  });
});
