import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { spawn } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startKafkaCluster } from './kafka-cluster.js';
import { startScratchKafka } from './testing/index.js';
import {
  consume,
  createTopic,
  createTopicOn,
  kafkaClient,
  produce,
  produceOnce,
} from './testing/kafka-session.js';

jest.setTimeout(180_000);

const values = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}-${i}`);

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

async function untilGone(pid: number): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (isAlive(pid) && Date.now() < deadline) await sleep(50);
  expect(isAlive(pid)).toBe(false);
}

describe('a cluster of one broker', () => {
  let cluster: Awaited<ReturnType<typeof startScratchKafka>>;
  beforeAll(async () => {
    cluster = await startScratchKafka();
    await createTopic(kafkaClient(cluster), 'requests', 1);
  });
  afterAll(() => cluster.dispose());

  it('serves groups as soon as it is ready', async () => {
    await produce(kafkaClient(cluster), 'requests', values('a', 5));
    expect(await consume(kafkaClient(cluster), 'g', 'requests', 5)).toEqual(values('a', 5));
  });

  it('names the pid of Java, in a process group of its own', () => {
    const { pid } = cluster.nodes[0]!;
    expect(readFileSync(`/proc/${pid}/comm`, 'utf8').trim()).toBe('java');
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    expect(Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2])).toBe(pid);
  });

  it('keeps what was acknowledged through SIGKILL', async () => {
    const node = cluster.nodes[0]!;
    const before = node.pid;
    await node.kill();
    expect(isAlive(before)).toBe(false);
    await node.start();
    expect(node.pid).not.toBe(before);
    await produce(kafkaClient(cluster), 'requests', values('b', 5));
    expect(await consume(kafkaClient(cluster), 'g2', 'requests', 10)).toEqual([
      ...values('a', 5),
      ...values('b', 5),
    ]);
  });

  it('says nothing while it is paused, and goes on afterwards', async () => {
    const node = cluster.nodes[0]!;
    node.pause();
    let settled = false;
    const sent = produce(kafkaClient(cluster), 'requests', ['paused']).finally(() => (settled = true));
    await sleep(1_500);
    expect(settled).toBe(false);
    node.resume();
    await sent;
    expect((await consume(kafkaClient(cluster), 'g3', 'requests', 11)).at(-1)).toBe('paused');
  });

  it('makes no topic that nobody made', async () => {
    await expect(produce(kafkaClient(cluster), 'unheard-of', ['x'])).rejects.toThrow();
  });

  it('continues with the same id, port and data, and refuses another size', async () => {
    await cluster.stop();
    await expect(startKafkaCluster({ brokers: 3, dataDir: cluster.dataDir })).rejects.toMatchObject({
      code: 'kafka.layout-mismatch',
    });
    const again = await startKafkaCluster({ brokers: 1, dataDir: cluster.dataDir });
    try {
      expect(again.clusterId).toBe(cluster.clusterId);
      expect(again.brokers).toBe(cluster.brokers);
      expect(await consume(kafkaClient(again), 'g4', 'requests', 11)).toHaveLength(11);
    } finally {
      await again.stop();
    }
  });

  it('keeps its folder from others', () => {
    expect(statSync(cluster.dataDir).mode & 0o777).toBe(0o700);
  });
});

describe('a cluster whose parent is killed', () => {
  it('ends by itself', async () => {
    const command = path.resolve(import.meta.dirname, '../bin/kafka-up.mjs');
    const scratch = await startScratchKafka();
    await scratch.stop();
    const parent = spawn(process.execPath, [command, '--json', '--data', scratch.dataDir], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    try {
      const line = await new Promise<string>((resolve, reject) => {
        parent.stdout.once('data', data => resolve(String(data)));
        parent.once('exit', code => reject(new Error(`kafka-up ended with ${code}`)));
      });
      const { nodes } = JSON.parse(line) as { nodes: { pid: number }[] };
      const pid = nodes[0]?.pid ?? 0;
      expect(isAlive(pid)).toBe(true);
      parent.kill('SIGKILL');
      await untilGone(pid);
    } finally {
      parent.kill('SIGKILL');
      await scratch.dispose();
    }
  });
});

describe('a cluster of three brokers', () => {
  let cluster: Awaited<ReturnType<typeof startScratchKafka>>;
  beforeAll(async () => {
    cluster = await startScratchKafka({ brokers: 3 });
    await createTopic(kafkaClient(cluster), 'outcomes', 3);
  });
  afterAll(() => cluster.dispose());

  async function partition(): Promise<{ leader: number; isr: number[] }> {
    const admin = kafkaClient(cluster).admin();
    await admin.connect();
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: ['outcomes'] });
      return topics[0]!.partitions[0]!;
    } finally {
      await admin.disconnect();
    }
  }

  it('keeps three copies', async () => {
    expect((await partition()).isr).toHaveLength(3);
  });

  it('acknowledges with two copies after the leader was killed, and loses nothing', async () => {
    await produce(kafkaClient(cluster), 'outcomes', values('a', 20));
    const { leader } = await partition();
    await cluster.nodes.find(n => n.id === leader)!.kill();
    const deadline = Date.now() + 30_000;
    while ((await partition()).leader === leader && Date.now() < deadline) await sleep(100);
    await produce(kafkaClient(cluster), 'outcomes', values('b', 20));
    const after = await partition();
    expect(after.leader).not.toBe(leader);
    expect(after.isr).not.toContain(leader);
    expect(await consume(kafkaClient(cluster), 'g', 'outcomes', 40)).toEqual([
      ...values('a', 20),
      ...values('b', 20),
    ]);
  });

  it('refuses acks=all with one copy left, and takes the others back', async () => {
    const alive = cluster.nodes.filter(n => isAlive(n.pid));
    const dead = cluster.nodes.filter(n => !isAlive(n.pid));
    expect([alive.length, dead.length]).toEqual([2, 1]);
    await alive[0]!.kill();
    // Refused by the leader, or not even reached where the leader was killed: without a majority nobody follows it.
    await expect(produceOnce(cluster, 'outcomes', 'too few')).rejects.toMatchObject({
      name: expect.stringMatching(/^KafkaJS(Protocol|Connection|RequestTimeout|NumberOfRetriesExceeded)/),
    });
    await Promise.all([dead[0]!.start(), alive[0]!.start()]);
    await produce(kafkaClient(cluster), 'outcomes', ['enough']);
    const read = await consume(kafkaClient(cluster), 'g2', 'outcomes', 41);
    expect(read.slice(0, 40)).toEqual([...values('a', 20), ...values('b', 20)]);
  });

  it('takes a broker back while another has the only copy of something', async () => {
    const [first, second] = cluster.nodes;
    await createTopicOn(kafkaClient(cluster), 'one-copy', second!.id);
    await second!.kill();
    await first!.kill();
    const back = first!.rejoin().then(() => 'back');
    expect(await Promise.race([back, sleep(60_000, 'still waiting')])).toBe('back');
    await second!.start();
    await back;
  });

  it('takes a broker back while another hangs', async () => {
    const [first, , third] = cluster.nodes;
    third!.pause();
    await first!.kill();
    await first!.rejoin();
    third!.resume();
    await produce(kafkaClient(cluster), 'outcomes', ['with two of three']);
    expect((await consume(kafkaClient(cluster), 'g3', 'outcomes', 42)).at(-1)).toBe('with two of three');
  });
});
