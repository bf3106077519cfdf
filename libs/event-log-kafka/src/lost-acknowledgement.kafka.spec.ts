import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { LogRecord } from '@sever/event-log';
import { ObservedMember, eventually } from '@sever/event-log/testing';
import { createKafkaEventLogConsumer } from './consumer/kafka-event-log-consumer.js';
import { ensureKafkaTopics } from './ensure-kafka-topics.js';
import { createKafkaClient } from './kafka-client.js';
import { createKafkaRelayTarget } from './kafka-relay-target.js';
import { BrokerProxies, plainConnection } from './testing/index.js';

jest.setTimeout(60_000);

describe('an acknowledgement that is lost', () => {
  const connection = plainConnection(process.env['SEVER_TEST_KAFKA'] ?? '');
  const members: ObservedMember[] = [];
  let proxy: BrokerProxies;
  let topic: string;
  beforeAll(async () => {
    proxy = await BrokerProxies.start(connection.kafkaBrokers);
  });
  beforeEach(async () => {
    topic = `requests-${randomUUID()}`;
    await ensureKafkaTopics(connection, [{ topic, partitions: 1 }]);
  });
  afterEach(() => Promise.all(members.splice(0).map(m => m.consumer.stop({ drainMs: 0 }))));
  afterAll(() => proxy.close());

  const record = (logOffset: number): LogRecord => ({
    ...{ topic, partition: 0, key: 'k', type: 'happened', headers: {}, timestamp: Date.now() },
    ...{ offset: 0n, logOffset: BigInt(logOffset), value: Buffer.from(String(logOffset)) },
  });

  it('costs no record and repeats none for a reader', async () => {
    const target = createKafkaRelayTarget(plainConnection(proxy.brokers.join()), {
      requestTimeout: 1_000,
    });
    const insist = (batch: readonly LogRecord[]): Promise<void> =>
      eventually('the acknowledgement', () =>
        target.send(batch).then(
          () => true,
          () => false,
        ),
      );
    await insist([record(0)]);
    const before = proxy.swallowed();
    for (let round = 0; round < 5; round += 1) {
      proxy.swallowNext(round % 2 === 0 ? 'breaking' : 'silently');
      await insist([record(1 + 2 * round), record(2 + 2 * round)]);
    }
    expect(proxy.swallowed() - before).toBe(5);
    const ends = await target.endOffsets(topic);
    await target.close();
    const reader = new ObservedMember(
      createKafkaEventLogConsumer({ connection, clientId: 'spec', maxWaitMs: 100 }),
    );
    members.push(reader);
    await reader.start({ topics: [topic], from: 'earliest' });
    await eventually('delivery', () => reader.records().some(r => r.logOffset === 10n));
    expect(reader.records().map(r => Number(r.logOffset))).toEqual(Array.from({ length: 11 }, (_, i) => i));
    // The records are there twice: dropping them is the reader's work, and it was needed.
    expect(ends.get(`${topic}/0`)).toBeGreaterThan(11n);
  });

  it('costs the idempotent producer of the client an acknowledged record, which is why it is not used', async () => {
    const kafka = createKafkaClient(plainConnection(proxy.brokers.join()), 'spec', {
      requestTimeout: 1_000,
    });
    const producer = kafka.producer({ idempotent: true, createPartitioner: () => () => 0 });
    await producer.connect();
    const send = (logOffset: number) =>
      producer.send({
        topic,
        acks: -1,
        messages: [{ key: 'k', value: '{}', headers: { 'sever-log-offset': String(logOffset) } }],
      });
    await eventually('a first acknowledgement', () =>
      send(0).then(
        () => true,
        () => false,
      ),
    );
    const before = proxy.swallowed();
    proxy.swallowNext('silently');
    const second = send(1);
    await eventually('the loss', () => proxy.swallowed() === before + 1);
    await Promise.all([second, send(2)]);
    await producer.disconnect();
    const reader = new ObservedMember(
      createKafkaEventLogConsumer({ connection, clientId: 'spec', maxWaitMs: 100 }),
    );
    members.push(reader);
    await reader.start({ topics: [topic], from: 'earliest' });
    await eventually(
      'the end of the topic',
      async () => (await reader.consumer.lag()).get(`${topic}/0`) === 0n,
    );
    // All three were acknowledged. The second is there twice, the third is not.
    expect(reader.records().map(r => Number(r.logOffset))).toEqual([0, 1]);
  });
});
