import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { PARTITIONS } from '@sever/event-log';
import { ensureKafkaTopics } from '@sever/event-log-kafka';
import {
  createPostgresEventLogAdmin,
  createPostgresEventLogWriter,
  eventLogMigrations,
} from '@sever/event-log-postgres';
import { startScratchKafka } from '@sever/kafka-cluster/testing';
import { relayBacklog, relayMigrations } from '@sever/log-relay';
import { rows } from '@sever/postgres';
import { createTestDatabase, type TestDatabase } from '@sever/postgres/testing';
import kafkajs from 'kafkajs';
import { eventually } from '../harness/clients.js';
import { readKafka, withoutRepetitions } from '../harness/kafka-log.js';
import { startRelayProcess, type RelayProcess } from '../harness/relay-process.js';

jest.setTimeout(240_000);

const TOPICS = ['outcomes', 'requests'];
const SPECS = TOPICS.map(topic => ({ topic, partitions: PARTITIONS }));
const within = { failed: 60_000, step: 100 };

describe('the relay between PostgreSQL and Kafka', () => {
  let cluster: Awaited<ReturnType<typeof startScratchKafka>>;
  let db: TestDatabase;
  let relays: RelayProcess[] = [];

  const topics = (brokers: string): Promise<void> =>
    ensureKafkaTopics(
      {
        kafkaBrokers: brokers.split(','),
        kafkaCaFile: undefined,
        kafkaUser: undefined,
        kafkaPassword: undefined,
      },
      SPECS,
    );
  beforeAll(async () => {
    cluster = await startScratchKafka();
    await topics(cluster.brokers);
    db = await createTestDatabase([...eventLogMigrations, ...relayMigrations]);
    await createPostgresEventLogAdmin(db.owner).ensureTopics(SPECS);
  });
  afterAll(async () => {
    await db?.drop();
    await cluster?.dispose();
  });
  afterEach(async () => {
    await Promise.all(relays.map(relay => relay.stop()));
    relays = [];
  });

  const start = async (env: Readonly<Record<string, string>> = {}): Promise<RelayProcess> => {
    const relay = await startRelayProcess({
      DATABASE_URL: await db.urlAs('sever_relay'),
      KAFKA_BROKERS: cluster.brokers,
      SEVER_RELAY_LEASE: '2s',
      ...env,
    });
    relays.push(relay);
    return relay;
  };

  const append = async (count: number): Promise<void> => {
    const writer = createPostgresEventLogWriter(db.owner);
    for (let i = 0; i < count; i += 10)
      await db.owner.transaction(em =>
        writer.append(
          em,
          Array.from({ length: 10 }, (_, n) => {
            const eventId = randomUUID();
            const value = Buffer.from(JSON.stringify({ id: eventId, source: '/api' }));
            const topic = TOPICS[n % 2] ?? '';
            return {
              ...{ topic, eventId, value, key: `acme:${(i + n) % 37}` },
              ...{ type: 'sever.spec.happened.v1', headers: { ce_id: eventId } },
            };
          }),
        ),
      );
    writer.wake();
  };

  const forwarded = async (): Promise<void> => {
    const nothingWaits = async () => (await relayBacklog(db.owner)).records === 0;
    await eventually('everything is forwarded', nothingWaits, within.failed, within.step);
  };

  /** Kafka holds the log: the same bytes in the same order without a gap. @returns how many repetitions stand between */
  async function expectSameLog(brokers = cluster.brokers): Promise<number> {
    const kafka = await readKafka(brokers, TOPICS);
    const seen = withoutRepetitions(kafka);
    const order = (topic: string, partition: number): string[] =>
      seen.filter(e => e.topic === topic && e.partition === partition).map(e => `${e.id} ${e.value}`);
    for (const { topic } of SPECS)
      for (let partition = 0; partition < PARTITIONS; partition += 1) {
        const log = await rows<{ line: string }>(
          db.owner,
          `select event_id || ' ' || convert_from(value, 'UTF8') as line from log_record where topic = $1 and partition = $2 order by "offset"`,
          [topic, partition],
        );
        expect(order(topic, partition)).toEqual(log.map(row => row.line));
      }
    return kafka.length - seen.length;
  }

  it.each([
    ['relay.after-send', 'the acknowledgement and what is done about it'],
    ['relay.before-position', 'the acknowledgement and the position'],
  ])('loses and reorders nothing when it is killed at %s, between %s', async name => {
    const repetitions = await expectSameLog();
    await append(100);
    const killed = await start({ SEVER_FAILPOINT: `${name}:1` });
    expect(await killed.exited).toBe('SIGKILL');
    await append(100);
    await start();
    await forwarded();
    // The batch that was acknowledged and not remembered came again: the kill was where it should be.
    expect(await expectSameLog()).toBeGreaterThanOrEqual(repetitions + 100);
  });

  it('takes over from one that hangs, which then stores nothing and stands by', async () => {
    const first = await start();
    await append(50);
    await forwarded();
    expect(await first.metric('sever_relay_active')).toBe(1);
    const second = await start();
    await eventually('the second stands by', async () => (await second.ready()).status === 200);
    expect(await second.metric('sever_relay_active')).toBe(0);
    first.child.kill('SIGSTOP');
    await append(200);
    await forwarded();
    expect(await second.metric('sever_relay_active')).toBe(1);
    first.child.kill('SIGCONT');
    await append(200);
    await forwarded();
    await eventually('the first stands by', async () => (await first.metric('sever_relay_active')) === 0);
    expect((await first.ready()).status).toBe(200);
    await expectSameLog();
  });

  it('takes over at once from one that died', async () => {
    const first = await start({ SEVER_RELAY_LEASE: '10m' });
    await append(10);
    await forwarded();
    first.child.kill('SIGKILL');
    await first.exited;
    await start({ SEVER_RELAY_LEASE: '10m' });
    await append(10);
    await forwarded();
    await expectSameLog();
  });

  it('goes on by itself after an outage of Kafka, and says meanwhile why it is not ready', async () => {
    const relay = await start();
    await append(10);
    await forwarded();
    await cluster.nodes[0]?.kill();
    await append(500);
    await eventually('the lag shows', async () => (await relay.metric('sever_relay_lag_records')) >= 500);
    await eventually(
      'it is not ready',
      async () => (await relay.ready()).status === 503,
      within.failed,
      within.step,
    );
    expect((await relay.ready()).text).toMatch(/nothing is forwarded for .*opt-outs are accepted meanwhile/);
    expect(await relay.metric('sever_relay_oldest_unforwarded_seconds')).toBeGreaterThan(1);
    await cluster.nodes[0]?.start();
    await forwarded();
    await eventually('it is ready again', async () => (await relay.ready()).status === 200);
    await expectSameLog();
  });

  it('fills a cluster that has nothing yet', async () => {
    const empty = await startScratchKafka();
    try {
      await topics(empty.brokers);
      const relay = await start({ KAFKA_BROKERS: empty.brokers });
      await eventually('it begins', async () => (await relay.metric('sever_relayed_records_total')) > 0);
      await forwarded();
      await expectSameLog(empty.brokers);
    } finally {
      await Promise.all(relays.map(relay => relay.stop()));
      relays = [];
      await empty.dispose();
    }
  });

  it('fills a topic again that was made anew', async () => {
    const relay = await start();
    await append(10);
    await forwarded();
    await relay.stop();
    const kafka = new kafkajs.Kafka({
      brokers: cluster.brokers.split(','),
      logLevel: kafkajs.logLevel.NOTHING,
    });
    const admin = kafka.admin();
    await admin.connect();
    await admin.deleteTopics({ topics: ['requests'] });
    await eventually('the topic is gone', async () => !(await admin.listTopics()).includes('requests'));
    await admin.disconnect();
    await topics(cluster.brokers);
    await append(10);
    const again = await start();
    await eventually(
      'it notices',
      async () => (await again.metric('sever_relay_rewound_partitions_total')) > 0,
    );
    await forwarded();
    await expectSameLog();
  });
});
