import { afterAll, afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { partitionKey, type ConsumerStart, type LogRecord, type TopicPartition } from '@sever/event-log';
import { ObservedMember, eventually } from '@sever/event-log/testing';
import { createKafkaEventLogConsumer } from './consumer/kafka-event-log-consumer.js';
import type { KafkaConsumerOptions } from './consumer/kafka-consumer-options.js';
import { ensureKafkaTopics } from './ensure-kafka-topics.js';
import { KafkaAdminSession } from './kafka-admin-session.js';
import { createKafkaClient } from './kafka-client.js';
import { createKafkaRelayTarget } from './kafka-relay-target.js';
import { plainConnection, proxiedConnection } from './testing/index.js';

jest.setTimeout(90_000);
const SESSION_MS = 6_000;

/** What the client does on its own, and what becomes of it here; on a real broker. */
describe('the client of Kafka', () => {
  const connection = plainConnection(process.env['SEVER_TEST_KAFKA'] ?? '');
  const kafka = createKafkaClient(connection, 'spec');
  const session = new KafkaAdminSession(kafka);
  const target = createKafkaRelayTarget(connection);
  const members: ObservedMember[] = [];
  let topic: string;
  let group: string;
  let here: TopicPartition;
  beforeEach(async () => {
    topic = `requests-${randomUUID()}`;
    group = `g-${randomUUID()}`;
    here = { topic, partition: 0 };
    await ensureKafkaTopics(connection, [{ topic, partitions: 2 }]);
  });
  afterEach(() => Promise.all(members.splice(0).map(m => m.consumer.stop({ drainMs: 0 }))));
  afterAll(() => Promise.all([session.close(), target.close()]));

  const record = (logOffset: number, partition = 0): LogRecord => ({
    ...{ topic, partition, key: `k-${partition}`, type: 'happened', headers: {}, timestamp: Date.now() },
    ...{ offset: 0n, logOffset: BigInt(logOffset), value: Buffer.from('{}') },
  });
  /** Forwards these log offsets, as a relay does: until it is acknowledged. */
  async function forward(logOffsets: readonly number[], partition = 0): Promise<void> {
    const batch = logOffsets.map(offset => record(offset, partition));
    await eventually('the acknowledgement', () =>
      target.send(batch).then(
        () => true,
        () => false,
      ),
    );
  }
  const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

  const consumerWith = (over: Partial<KafkaConsumerOptions> = {}) =>
    createKafkaEventLogConsumer({
      ...{ connection, clientId: 'spec', sessionTimeoutMs: SESSION_MS, heartbeatMs: 300, maxWaitMs: 100 },
      ...over,
    });
  async function member(o: Partial<ConsumerStart> = {}, consumer = consumerWith()): Promise<ObservedMember> {
    const observed = new ObservedMember(consumer);
    members.push(observed);
    return observed.start({ group, topics: [topic], from: 'committed', ...o });
  }
  const logs = (m: ObservedMember, partition = 0): number[] =>
    m
      .records()
      .filter(r => r.partition === partition)
      .map(r => Number(r.logOffset));

  it('keeps its place in the group while everything is paused for longer than the session', async () => {
    const seen = await member();
    const epoch = seen.epochOf(here);
    seen.consumer.pause([here, { topic, partition: 1 }], 'breaker');
    await forward([0, 1]);
    const until = Date.now() + 1.5 * SESSION_MS;
    await eventually('the end of a long pause', () => Date.now() > until);
    expect([logs(seen), seen.revoked.length, seen.epochOf(here)]).toEqual([[], 0, epoch]);
    seen.consumer.resume([here, { topic, partition: 1 }], 'breaker');
    await eventually('delivery', () => logs(seen).length === 2);
    expect(seen.epochOf(here)).toBe(epoch);
  });

  it('begins again at what is committed when anyone joins: in a new epoch, and the old one cannot commit', async () => {
    const seen = await member();
    await forward(range(0, 4));
    await eventually('delivery', () => logs(seen).length === 4);
    const first = seen.epochOf(here);
    await seen.consumer.commit(new Map([[partitionKey(here), 2n]]), first);
    const other = await member();
    await eventually('a new epoch for both', () => seen.assigned.size + other.assigned.size === 2);
    const owner = seen.assigned.has(partitionKey(here)) ? seen : other;
    await eventually('delivery again', () => logs(owner).slice(-2).join() === '2,3');
    expect(seen.revoked.map(r => r.epoch)).toEqual([first, first]);
    await seen.consumer.commit(new Map([[partitionKey(here), 4n]]), first);
    expect((await session.commits(group, [topic])).get(partitionKey(here))?.offset).toBe(2n);
  });

  it('still takes a commit of a member that is told that others join', async () => {
    const consumer = consumerWith();
    let told = 0;
    const seen = await member(
      {
        onRevoked: async (_tps, epoch) => {
          told += 1;
          if (told === 1) await consumer.commit(new Map([[partitionKey(here), 4n]]), epoch);
        },
      },
      consumer,
    );
    await forward(range(0, 4));
    await eventually('delivery', () => logs(seen).length === 4);
    const other = await member();
    await eventually('sharing', () => seen.assigned.size + other.assigned.size === 2);
    expect((await session.commits(group, [topic])).get(partitionKey(here))?.offset).toBe(4n);
    await forward(range(4, 5));
    await eventually('delivery of the next', () => [...logs(seen), ...logs(other)].includes(4));
    expect([...logs(seen), ...logs(other)]).toEqual([0, 1, 2, 3, 4]);
  });

  it('does not go on elsewhere when the records at its position are gone, now or at the next start', async () => {
    const seen = await member();
    await forward(range(0, 3));
    await eventually('delivery', () => logs(seen).length === 3);
    await seen.commitDelivered();
    seen.consumer.pause([here], 'admin');
    await forward(range(3, 9));
    await deleteBefore(6);
    seen.consumer.resume([here], 'admin');
    await eventually('the end', () => seen.fatal.length > 0);
    expect(seen.fatal).toMatchObject([{ code: 'log.position-lost' }]);
    expect(logs(seen)).toEqual([0, 1, 2]);
    await seen.consumer.stop({ drainMs: 0 });
    await expect(member()).rejects.toMatchObject({ code: 'log.position-lost' });
  });

  it('does not start a group whose committed position is gone', async () => {
    const seen = await member();
    await forward(range(0, 5));
    await eventually('delivery', () => logs(seen).length === 5);
    await seen.consumer.commit(new Map([[partitionKey(here), 2n]]), seen.epochOf(here));
    await seen.consumer.stop({ drainMs: 0 });
    await deleteBefore(4);
    await expect(member()).rejects.toMatchObject({ code: 'log.position-lost' });
    expect((await session.commits(group, [topic])).get(partitionKey(here))?.offset).toBe(2n);
  });

  async function deleteBefore(offset: number): Promise<void> {
    const admin = kafka.admin();
    await admin.connect();
    await admin.fetchTopicMetadata({ topics: [topic] });
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(offset) }] });
    await admin.disconnect();
  }

  it('delivers once what a relay sent twice, and ends where a record of the log is missing', async () => {
    const seen = await member();
    await forward(range(0, 4));
    await forward(range(2, 6));
    await forward(range(0, 1), 1);
    await eventually('delivery', () => logs(seen).length === 6 && logs(seen, 1).length === 1);
    await forward(range(4, 6));
    await forward(range(7, 8));
    await eventually('the end', () => seen.fatal.length > 0);
    expect(seen.fatal).toMatchObject([{ code: 'log.gap' }]);
    expect(logs(seen)).toEqual(range(0, 6));
  });

  it('ends at a message that the relay did not write', async () => {
    const seen = await member();
    await forward([0]);
    await eventually('delivery', () => logs(seen).length === 1);
    const producer = kafka.producer({ createPartitioner: () => () => 0 });
    await producer.connect();
    await producer.send({ topic, messages: [{ key: 'k', value: '{"forged":true}' }] });
    await producer.disconnect();
    await eventually('the end', () => seen.fatal.length > 0);
    expect(seen.fatal).toMatchObject([{ code: 'log.unreadable' }]);
    expect(logs(seen)).toEqual([0]);
  });

  it('ends rather than lives on without consuming', async () => {
    const proxy = await proxiedConnection(connection.kafkaBrokers);
    const seen = await member({}, consumerWith({ stallMs: 2_000, socketFactory: proxy.socketFactory }));
    await forward([0]);
    await eventually('delivery', () => logs(seen).length === 1);
    proxy.freeze();
    await eventually('the end', () => seen.fatal.length > 0);
    expect(seen.fatal).toMatchObject([{ code: 'log.stalled' }]);
    proxy.thaw();
    await seen.consumer.stop({ drainMs: 0 });
    await proxy.close();
  });

  it('fails at the start when nobody answers, or when nobody made the topic', async () => {
    const nowhere = new ObservedMember(
      createKafkaEventLogConsumer({ connection: plainConnection('127.0.0.1:1'), clientId: 'spec' }),
    );
    await expect(nowhere.start({ group, topics: [topic], from: 'committed' })).rejects.toMatchObject({
      code: 'log.unavailable',
    });
    await expect(member({ topics: [`missing-${topic}`] })).rejects.toMatchObject({ code: 'log.unavailable' });
  });

  it('does not let a slow reader of one partition hold up another', async () => {
    const seen = await member();
    await forward([0]);
    await eventually('delivery', () => logs(seen).length === 1);
    seen.consumer.pause([here], 'backpressure');
    for (let i = 0; i < 20; i += 1) await forward([i], 1);
    await eventually('delivery of the other', () => logs(seen, 1).length === 20);
    expect(logs(seen)).toEqual([0]);
  });
});
