import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { LogRecord } from '@sever/event-log';
import { ObservedMember, eventually } from '@sever/event-log/testing';
import { startScratchKafka } from '@sever/kafka-cluster/testing';
import { createKafkaEventLogConsumer } from './consumer/kafka-event-log-consumer.js';
import type { KafkaConsumerOptions } from './consumer/kafka-consumer-options.js';
import { ensureKafkaTopics } from './ensure-kafka-topics.js';
import { createKafkaClient } from './kafka-client.js';
import { createKafkaRelayTarget } from './kafka-relay-target.js';
import { plainConnection, proxiedConnection } from './testing/index.js';

jest.setTimeout(240_000);

const SESSION_MS = 12_000;
/** More than the attempts that the client makes by itself. */
const OUTAGES = 6;
const NOBODY_LISTENS = 1;

/** What breaks between a member of a group and its brokers is no reason to become another member. */
describe('a member of a group on three brokers', () => {
  let cluster: Awaited<ReturnType<typeof startScratchKafka>>;
  const members: ObservedMember[] = [];
  let topic: string;
  let group: string;
  let sent: number;
  beforeAll(async () => {
    cluster = await startScratchKafka({ brokers: 3 });
  });
  beforeEach(async () => {
    topic = `requests-${randomUUID()}`;
    group = `g-${randomUUID()}`;
    sent = 0;
    await ensureKafkaTopics(plainConnection(cluster.brokers), [{ topic, partitions: 2 }]);
  });
  afterEach(() => Promise.all(members.splice(0).map(m => m.consumer.stop({ drainMs: 0 }))));
  afterAll(() => cluster?.dispose());

  async function join(over: Partial<KafkaConsumerOptions> = {}): Promise<ObservedMember> {
    const observed = new ObservedMember(
      createKafkaEventLogConsumer({
        ...{ connection: plainConnection(cluster.brokers), clientId: 'spec' },
        ...{ sessionTimeoutMs: SESSION_MS, heartbeatMs: 300, maxWaitMs: 100, ...over },
      }),
    );
    members.push(observed);
    return observed.start({ group, topics: [topic], from: 'committed' });
  }

  /** One more record per partition reaches the member. */
  async function isServed(member: ObservedMember): Promise<void> {
    const offset = sent;
    sent += 1;
    const record = (partition: number): LogRecord => ({
      ...{ topic, partition, key: 'k', type: 'happened', headers: {}, timestamp: Date.now() },
      ...{ offset: 0n, logOffset: BigInt(offset), value: Buffer.from('{}') },
    });
    const target = createKafkaRelayTarget(plainConnection(cluster.brokers));
    const send = (): Promise<boolean> =>
      target.send([record(0), record(1)]).then(
        () => true,
        () => false,
      );
    try {
      await eventually('the acknowledgement', send, 60_000);
      const arrived = (): boolean =>
        [0, 1].every(p => member.records().some(r => r.partition === p && r.logOffset === BigInt(offset)));
      await eventually('delivery', () => member.fatal.length > 0 || arrived(), 90_000);
    } finally {
      await target.close();
    }
    expect(member.fatal).toEqual([]);
  }

  async function leaders(of: string): Promise<number[]> {
    const admin = createKafkaClient(plainConnection(cluster.brokers), 'spec').admin();
    await admin.connect();
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [of] });
      const partitions = topics[0]?.partitions ?? [];
      return partitions.sort((p, q) => p.partitionId - q.partitionId).map(p => p.leader);
    } finally {
      await admin.disconnect();
    }
  }
  /** The broker that coordinates the group: the leader of the group's partition, by the hash of its name. */
  async function coordinator(): Promise<number> {
    const all = await leaders('__consumer_offsets');
    const hash = [...group].reduce((h, c) => (Math.imul(31, h) + c.charCodeAt(0)) | 0, 0);
    const leader = all[(hash & 0x7fffffff) % all.length];
    if (leader === undefined) throw new Error('the topic of the groups has no such partition');
    return leader;
  }
  async function leaderOnly(): Promise<number> {
    const keeper = await coordinator();
    const leader = (await leaders(topic)).find(id => id !== keeper);
    if (leader === undefined) throw new Error('the coordinator leads everything');
    return leader;
  }

  it('joins although the coordinator dies while the group waits for somebody who hangs', async () => {
    const hanging = await proxiedConnection(cluster.brokers.split(','));
    const first = await join({ socketFactory: hanging.socketFactory });
    await isServed(first);
    hanging.freeze();
    try {
      const joining = join();
      joining.catch(() => undefined);
      await new Promise(resolve => setTimeout(resolve, 2_000));
      const node = cluster.nodes[(await coordinator()) - 1];
      await node?.kill();
      await node?.start();
      await isServed(await joining);
    } finally {
      hanging.thaw();
      await first.consumer.stop({ drainMs: 0 });
      await hanging.close();
    }
  });

  it.each([
    ['the coordinator of its group', coordinator],
    ['the leader of a partition', leaderOnly],
  ])('goes on, however often it does not reach %s for a moment', async (_whom, id) => {
    const port = cluster.nodes[(await id()) - 1]?.port;
    const line = lineTo(port ?? 0);
    const member = await join({ socketFactory: line.socketFactory });
    await isServed(member);
    for (let time = 0; time < OUTAGES; time += 1) {
      line.cut();
      await eventually('refused connections', () => line.refusals() > 1);
      line.mend();
      await isServed(member);
    }
  });
});

/** Connections of one client; those to one port can be cut, and are refused until they are mended. */
function lineTo(port: number) {
  const open = new Set<Socket>();
  let isCut = false;
  let refusals = 0;
  const socketFactory: KafkaConsumerOptions['socketFactory'] = ({ port: wanted, onConnect }) => {
    const isRefused = isCut && wanted === port;
    const to = { host: '127.0.0.1', port: isRefused ? NOBODY_LISTENS : wanted };
    const socket = connect(to, onConnect).setNoDelay(true);
    if (isRefused) refusals += 1;
    if (wanted === port) open.add(socket);
    return socket;
  };
  return {
    socketFactory,
    refusals: () => refusals,
    cut: () => {
      isCut = true;
      refusals = 0;
      // As if the other side had reset it: the client listens for nothing less.
      for (const socket of open) socket.destroy(new Error('read ECONNRESET'));
      open.clear();
    },
    mend: () => (isCut = false),
  };
}
