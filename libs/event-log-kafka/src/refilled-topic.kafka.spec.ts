import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { partitionKey, type LogRecord } from '@sever/event-log';
import { ObservedMember, eventually } from '@sever/event-log/testing';
import { startScratchKafka } from '@sever/kafka-cluster/testing';
import { createKafkaEventLogConsumer } from './consumer/kafka-event-log-consumer.js';
import { ensureKafkaTopics } from './ensure-kafka-topics.js';
import { createKafkaRelayTarget } from './kafka-relay-target.js';
import { plainConnection } from './testing/index.js';

jest.setTimeout(120_000);

/**
 * A broker loses the records of a topic and keeps the positions of its groups; the relay fills the topic again. Positions then point
 * into other records than those they were committed for.
 */
describe('a topic that was emptied and filled again', () => {
  let cluster: Awaited<ReturnType<typeof startScratchKafka>>;
  const members: ObservedMember[] = [];
  let topic: string;
  let group: string;
  beforeAll(async () => {
    cluster = await startScratchKafka();
  });
  beforeEach(async () => {
    topic = `requests-${randomUUID()}`;
    group = `g-${randomUUID()}`;
    await ensureKafkaTopics(plainConnection(cluster.brokers), [{ topic, partitions: 1 }]);
  });
  afterEach(() => Promise.all(members.splice(0).map(m => m.consumer.stop({ drainMs: 0 }))));
  afterAll(() => cluster.dispose());

  const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
  const record = (logOffset: number): LogRecord => ({
    ...{ topic, partition: 0, key: 'k', type: 'happened', headers: {}, timestamp: Date.now() },
    ...{ offset: 0n, logOffset: BigInt(logOffset), value: Buffer.from('{}') },
  });

  /** Forwards these log offsets, as a relay does: until it is acknowledged. */
  async function forward(...runs: readonly (readonly number[])[]): Promise<void> {
    const target = createKafkaRelayTarget(plainConnection(cluster.brokers));
    for (const run of runs)
      await eventually('the acknowledgement', () =>
        target.send(run.map(record)).then(
          () => true,
          () => false,
        ),
      );
    await target.close();
  }

  async function member(): Promise<ObservedMember> {
    const connection = plainConnection(cluster.brokers);
    const consumer = createKafkaEventLogConsumer({ connection, clientId: 'spec', maxWaitMs: 100 });
    const observed = new ObservedMember(consumer);
    members.push(observed);
    return observed.start({ group, topics: [topic], from: 'committed' });
  }
  const logs = (m: ObservedMember): number[] => m.records().map(r => Number(r.logOffset));

  /** Reads everything there is, commits everything before a log offset, and leaves. */
  async function readAndCommit(count: number, before: number): Promise<void> {
    const seen = await member();
    await eventually('delivery', () => logs(seen).length === count);
    const due = seen.records().find(r => Number(r.logOffset) === before - 1);
    if (!due) throw new Error('nothing was delivered');
    await seen.consumer.commit(new Map([[partitionKey(due), due.offset + 1n]]), seen.epochOf(due));
    await seen.consumer.stop({ drainMs: 0 });
  }

  /** The records of the topic are gone when the broker comes back; everything else it knew is there. */
  async function loseRecords(): Promise<void> {
    const [node] = cluster.nodes;
    await node?.stop();
    for (const name of readdirSync(cluster.dataDir, { recursive: true, encoding: 'utf8' }))
      if (path.basename(name) === `${topic}-0`) rmSync(path.join(cluster.dataDir, name), { recursive: true });
    await node?.start();
  }

  it('is read on from the record that was due, although the committed position points behind it', async () => {
    await forward(range(0, 10), range(0, 10), range(10, 15));
    await readAndCommit(15, 12);
    await loseRecords();
    await forward(range(0, 30));
    const seen = await member();
    await eventually('delivery', () => logs(seen).includes(29));
    expect(logs(seen)).toEqual(range(12, 30));
    expect(seen.fatal).toEqual([]);
  });

  it('is read on without a newer record to tell the difference', async () => {
    await forward(range(0, 10), range(0, 10), range(10, 15));
    await readAndCommit(15, 15);
    await loseRecords();
    await forward(range(0, 25));
    const seen = await member();
    await eventually('delivery', () => logs(seen).includes(24));
    expect(logs(seen)).toEqual(range(15, 25));
  });

  it('is waited for by a group that stands behind its end, and nothing is skipped or repeated', async () => {
    await forward(range(0, 10), range(0, 10), range(10, 15));
    await readAndCommit(15, 12);
    await loseRecords();
    const seen = await member();
    await forward(range(0, 14));
    await forward(range(14, 30));
    await eventually('delivery', () => logs(seen).includes(29));
    expect(logs(seen)).toEqual(range(12, 30));
    await seen.commitDelivered();
    await seen.consumer.stop({ drainMs: 0 });
    const next = await member();
    await forward(range(30, 31));
    await eventually('delivery of the next', () => logs(next).includes(30));
    expect(logs(next)).toEqual([30]);
  });

  it('is read from its beginning when the client has given up the position meanwhile', async () => {
    await forward(range(0, 10));
    await readAndCommit(10, 10);
    const running = await member();
    await loseRecords();
    await forward(range(0, 20));
    await eventually('the end', () => running.fatal.length > 0 || logs(running).includes(19));
    await running.consumer.stop({ drainMs: 0 });
    const seen = await member();
    await forward(range(20, 21));
    await eventually('delivery', () => logs(seen).includes(20));
    const all = new Set([...range(0, 10), ...logs(running), ...logs(seen)]);
    expect([...all].sort((a, b) => a - b)).toEqual(range(0, 21));
  });
});
