import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeEvent, nameBasedId } from '@sever/event-contracts';
import { partitionOf, toRecord } from '@sever/event-log';
import { createKafkaEventLogConsumer } from '@sever/event-log-kafka';
import { createPostgresEventLogWriter } from '@sever/event-log-postgres';
import { EventLogServer } from '@sever/event-log-transport';
import { lifeOf } from '../events.mjs';
import { median } from '../numbers.mjs';
import { stopWatch } from './stop-watch.mjs';
import { forwardAll, inKafkaWorld } from './world.mjs';

/** What the handler of a healthy record waits for: a call to another system. */
const CALL_MS = 5;
/** More than a partition may have waiting: its partition is paused while its key is slow. */
const SICK_RECORDS = 3_000;
const RETRY_MS = 100;
const SLOW_MS = 1_000;
const CHUNK = 500;

/**
 * What one sick key costs the healthy ones: its handler fails and is tried again, or takes a second. The log holds thousands of
 * its records, so that its partition fills up and is paused; the clock runs from the first healthy record to the last.
 */
export const kafkaIsolation = (progress, { brokers, keys = 1_500, each = 16, rounds = 5 } = {}) =>
  inKafkaWorld({ brokers, progress }, async world => {
    const healthy = await fill(world, keys, each);
    const ways = {
      healthy: () => ({ kind: 'ack' }),
      failing: () => ({ kind: 'retry', afterMs: RETRY_MS }),
      slow: () => sleep(SLOW_MS, { kind: 'ack' }, { ref: false }),
    };
    const rates = { healthy: [], failing: [], slow: [] };
    for (let round = 0; round <= rounds; round += 1)
      for (const [way, sick] of Object.entries(ways)) {
        const watch = stopWatch(progress, way, healthy);
        const rate = healthy / (await consume(world, sick, watch));
        // The first round warms up.
        if (round > 0) rates[way].push(rate);
        progress(`round ${round} of ${rounds}: ${way} ${Math.round(rate)} records/s`);
      }
    const against = way => ({
      value: median(rates[way]),
      ratio: median(rates[way].map((rate, i) => rate / rates.healthy[i])),
      against: 'all healthy',
      wanted: 0.95,
    });
    return {
      name: 'kafka-isolation',
      unit: 'healthy records/s',
      rows: [
        { what: 'all keys are healthy', value: median(rates.healthy) },
        { what: 'one key fails and is tried again', ...against('failing') },
        { what: 'one key is slow and its partition full', ...against('slow') },
      ],
    };
  });

const SICK = nameBasedId('bench-sick');
const SICK_KEY = `acme:${SICK}`;

/** @returns the number of records of healthy keys; none of them is in the partition of the sick one */
async function fill({ db, connection, progress }, keys, each) {
  const writer = createPostgresEventLogWriter(db);
  const subjects = [];
  for (let i = 0; subjects.length < keys; i += 1) {
    const subject = nameBasedId('bench-healthy', i);
    if (partitionOf(`acme:${subject}`) !== partitionOf(SICK_KEY)) subjects.push(subject);
  }
  const ofHealthy = Array.from({ length: keys * each }, (_, i) => eventOf(subjects[i % keys], i));
  const ofSick = Array.from({ length: SICK_RECORDS }, (_, i) => eventOf(SICK, i));
  // The sick key comes first: everything else is behind it.
  const records = [...ofSick, ...ofHealthy].map(toRecord);
  const report = progress.stage('events written', records.length);
  for (let i = 0; i < records.length; i += CHUNK) {
    await db.transaction(em => writer.append(em, records.slice(i, i + CHUNK)));
    report(Math.min(i + CHUNK, records.length));
  }
  await forwardAll({ db, connection }, records.length);
  return ofHealthy.length;
}

const [request] = lifeOf(0);

function eventOf(subject, i) {
  const { type, source, data } = request;
  return makeEvent({
    ...{ type, source, tenant: 'acme', subject, time: new Date(1_700_000_000_000 + i) },
    id: nameBasedId('bench-isolation', subject, i),
    data: { ...data, target: { kind: 'subject', id: subject } },
  });
}

async function consume({ connection }, sick, watch) {
  const server = new EventLogServer({
    consumer: createKafkaEventLogConsumer({ connection, clientId: 'bench', maxWaitMs: 500 }),
    group: `bench-${randomUUID()}`,
    topics: ['requests'],
    drainMs: 1,
    onFatal: watch.fail,
  });
  const well = async () => {
    watch.start();
    await sleep(CALL_MS);
    watch.count(1);
    return { kind: 'ack' };
  };
  server.addHandler(request.type, (_, ctx) => (ctx.record.key === SICK_KEY ? sick() : well()), true);
  await new Promise((resolve, reject) => server.listen(error => (error ? reject(error) : resolve())));
  try {
    return await watch.finished;
  } finally {
    await server.close();
  }
}
