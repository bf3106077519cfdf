import { setTimeout as sleep } from 'node:timers/promises';
import { toRecord } from '@sever/event-log';
import { createKafkaRelayTarget } from '@sever/event-log-kafka';
import { createPostgresEventLogWriter, WAKE_CHANNEL } from '@sever/event-log-postgres';
import { PostgresRelayStore, Relay, RelayRunner } from '@sever/log-relay';
import { listen } from '@sever/postgres';
import { lifeOf } from '../events.mjs';
import { median, quantile } from '../numbers.mjs';
import { fillLog, forwardAll, inKafkaWorld, LEASE_MS } from './world.mjs';

/** Acknowledged by all copies that are in sync, one batch in flight: what the relay asks for too. */
const PRODUCER = { idempotent: false, maxInFlightRequests: 1, allowAutoTopicCreation: false };
const ACKS_ALL = -1;
const POLL_MS = 500;

/**
 * The relay against a loop of `sendBatch` that sends the very same batches from memory, round by round; then how much later than its
 * commit a single event is acknowledged by Kafka, against one `sendBatch` of one record at the same pace.
 */
export const kafkaRelay = (
  progress,
  { brokers, people = 8_000, rounds = 4, singles = 400, perSecond = 20 } = {},
) =>
  inKafkaWorld({ brokers, progress }, async world => {
    const throughput = await measureThroughput(world, people, rounds);
    const delay = await measureDelay(world, singles, perSecond);
    return [
      { name: 'kafka-relay', unit: 'records/s', rows: throughput },
      { name: 'kafka-relay-delay', unit: 'ms', rows: delay },
    ];
  });

async function measureThroughput(world, people, rounds) {
  const { progress } = world;
  const events = await fillLog(world, people);
  const batches = [];
  const keep = target => ({
    identity: () => target.identity(),
    endOffsets: topic => target.endOffsets(topic),
    send: batch => {
      batches.push(topicMessages(batch));
      return target.send(batch);
    },
  });
  // Warms up, and says what the relay sends.
  await forwardAll(world, events, { report: progress.stage('relay, warming up', events), spy: keep });
  const ways = {
    raw: report => sendBatches(world, batches, report),
    relay: report => forwardAll(world, events, { report }),
  };
  const rates = { raw: [], relay: [] };
  for (let round = 1; round <= rounds; round += 1)
    for (const [way, run] of Object.entries(ways)) {
      const rate = await run(progress.stage(way, events));
      rates[way].push(rate);
      progress(`round ${round} of ${rounds}: ${way} ${Math.round(rate)} records/s`);
    }
  return [
    { what: 'raw sendBatch loop', value: median(rates.raw) },
    {
      what: 'relay, PostgreSQL to Kafka',
      value: median(rates.relay),
      ratio: median(rates.relay.map((rate, i) => rate / rates.raw[i])),
      against: 'raw sendBatch loop',
      wanted: 0.5,
    },
  ];
}

/** @returns records per second, from the first acknowledgement on */
async function sendBatches({ kafka }, batches, report) {
  return withProducer(kafka, async send => {
    await send(batches[0]);
    const began = performance.now();
    let done = 0;
    for (const batch of batches.slice(1)) {
      await send(batch);
      report((done += countOf(batch)));
    }
    return done / ((performance.now() - began) / 1_000);
  });
}

async function withProducer(kafka, run) {
  const producer = kafka.producer({ ...PRODUCER, createPartitioner: () => asSaid });
  await producer.connect();
  try {
    return await run(batch => producer.sendBatch({ acks: ACKS_ALL, topicMessages: batch }));
  } finally {
    await producer.disconnect();
  }
}

const asSaid = ({ message }) => message.partition;

const countOf = batch => batch.reduce((sum, { messages }) => sum + messages.length, 0);

function topicMessages(records) {
  const topics = Map.groupBy(records, r => r.topic);
  return [...topics].map(([topic, some]) => ({
    topic,
    messages: some.map(({ key, value, partition, headers, logOffset, timestamp }) => ({
      ...{ key, value, partition, timestamp: String(timestamp) },
      headers: { ...headers, 'sever-log-offset': String(logOffset) },
    })),
  }));
}

async function measureDelay(world, singles, perSecond) {
  const wait = 1_000 / perSecond;
  const produced = await produceSingles(world, singles, wait);
  const relayed = await relaySingles(world, singles, wait);
  const figure = (times, q) => quantile(times, q);
  return [
    { what: `one acknowledged produce at ${perSecond}/s, p50`, value: figure(produced, 0.5) },
    { what: `one acknowledged produce at ${perSecond}/s, p99`, value: figure(produced, 0.99) },
    {
      what: `commit to acknowledgement by the relay at ${perSecond}/s, p50`,
      value: figure(relayed, 0.5),
      ratio: figure(relayed, 0.5) / figure(produced, 0.5),
      against: 'one acknowledged produce, p50',
    },
    {
      what: `commit to acknowledgement by the relay at ${perSecond}/s, p99`,
      value: figure(relayed, 0.99),
      ratio: figure(relayed, 0.99) / figure(produced, 0.99),
      against: 'one acknowledged produce, p99 (at most)',
      wanted: 3,
    },
  ];
}

/** A record like those that the relay sends; the first ones are not counted. */
const eventOf = i => toRecord(lifeOf(10_000_000 + i)[0]);
const WARM = 40;

async function produceSingles({ kafka, progress }, singles, wait) {
  const report = progress.stage('single produces', singles);
  const partitions = 48;
  return withProducer(kafka, async send => {
    const took = [];
    for (let i = 0; i < WARM + singles; i += 1) {
      const { topic, key, value, headers } = eventOf(i);
      const message = {
        key,
        value,
        headers: { ...headers, 'sever-log-offset': '0' },
        partition: i % partitions,
      };
      const began = performance.now();
      await send([{ topic, messages: [message] }]);
      if (i >= WARM) report(took.push(performance.now() - began));
      await sleep(wait);
    }
    return took;
  });
}

/** The relay as its process runs it: woken by PostgreSQL, one step after the other. */
async function relaySingles({ db, url, connection, progress }, singles, wait) {
  const store = new PostgresRelayStore(db, { leaseMs: LEASE_MS });
  const target = createKafkaRelayTarget(connection);
  const waiting = new Map();
  const told = {
    identity: () => target.identity(),
    endOffsets: topic => target.endOffsets(topic),
    send: async batch => {
      const ends = await target.send(batch);
      const at = performance.now();
      for (const record of batch) waiting.get(record.key)?.(at);
      return ends;
    },
  };
  const failed = Promise.withResolvers();
  failed.promise.catch(() => undefined);
  const runner = new RelayRunner({
    relay: new Relay(store, told),
    ...{ store, leaseMs: LEASE_MS, pollMs: POLL_MS, onError: failed.reject },
  });
  const listener = listen({
    ...{ url, channels: [WAKE_CHANNEL], applicationName: 'bench-listen' },
    ...{ presence: store.presence, onWake: () => runner.wake(), onError: failed.reject },
  });
  runner.start();
  try {
    return await Promise.race([failed.promise, appendSingles(db, waiting, singles, wait, progress)]);
  } finally {
    await runner.stop(5_000);
    await listener.close();
    await target.close();
  }
}

async function appendSingles(db, waiting, singles, wait, progress) {
  const writer = createPostgresEventLogWriter(db);
  const report = progress.stage('single events relayed', singles);
  const took = [];
  for (let i = 0; i < WARM + singles; i += 1) {
    const record = eventOf(i);
    const acknowledged = new Promise(resolve => waiting.set(record.key, resolve));
    await db.transaction(em => writer.append(em, [record]));
    const began = performance.now();
    writer.wake();
    const at = await acknowledged;
    if (i >= WARM) report(took.push(at - began));
    await sleep(wait);
  }
  return took;
}
