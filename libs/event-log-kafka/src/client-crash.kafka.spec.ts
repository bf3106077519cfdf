import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { ObservedMember, eventually } from '@sever/event-log/testing';
import kafkajs from 'kafkajs';
import { createKafkaEventLogConsumer } from './consumer/kafka-event-log-consumer.js';
import { ensureKafkaTopics } from './ensure-kafka-topics.js';
import { createKafkaClient } from './kafka-client.js';
import { plainConnection } from './testing/index.js';

jest.setTimeout(90_000);

const { CompressionCodecs, CompressionTypes } = kafkajs;

describe('a client that gives up', () => {
  const connection = plainConnection(process.env['SEVER_TEST_KAFKA'] ?? '');
  const members: ObservedMember[] = [];
  afterEach(() => Promise.all(members.splice(0).map(m => m.consumer.stop({ drainMs: 0 }))));

  /** A batch that the client cannot unpack: it knows gzip only. */
  async function produceUnreadable(topic: string): Promise<void> {
    const before = CompressionCodecs[CompressionTypes.ZSTD];
    CompressionCodecs[CompressionTypes.ZSTD] = () => ({
      compress: ({ buffer }: { buffer: Buffer }) => Promise.resolve(zstdCompressSync(buffer)),
      decompress: () => Promise.reject(new Error('only for writing')),
    });
    try {
      const producer = createKafkaClient(connection, 'spec').producer({ createPartitioner: () => () => 0 });
      await producer.connect();
      await producer.send({
        topic,
        compression: CompressionTypes.ZSTD,
        messages: [{ key: 'k', value: '{}', headers: { 'sever-log-offset': '0' } }],
      });
      await producer.disconnect();
    } finally {
      CompressionCodecs[CompressionTypes.ZSTD] = before;
    }
  }

  it('ends the subscription once: the process starts again, the client does not', async () => {
    const topic = `requests-${randomUUID()}`;
    await ensureKafkaTopics(connection, [{ topic, partitions: 1 }]);
    const seen = new ObservedMember(
      createKafkaEventLogConsumer({ connection, clientId: 'spec', maxWaitMs: 100 }),
    );
    members.push(seen);
    await seen.start({ group: `g-${randomUUID()}`, topics: [topic], from: 'committed' });
    const joins = seen.assigned.size;
    await produceUnreadable(topic);
    await eventually('the end', () => seen.fatal.length > 0);
    expect(seen.fatal).toMatchObject([{ code: 'log.unavailable', retryable: true }]);
    // Longer than the client would wait before a start of its own.
    const until = Date.now() + 3_000;
    await eventually('a while', () => Date.now() > until);
    expect([joins, seen.fatal.length, seen.records()]).toEqual([1, 1, []]);
  });
});
