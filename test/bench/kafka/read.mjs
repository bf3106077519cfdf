import { randomUUID } from 'node:crypto';
import { createKafkaEventLogConsumer } from '@sever/event-log-kafka';
import { EventLogServer, TransactionalConsumer } from '@sever/event-log-transport';
import { PROJECTOR_LANES, projectBatch } from '@sever/projection';
import { READ_MODEL_TABLES } from '@sever/read-models';
import { lifeOf } from '../events.mjs';
import { median } from '../numbers.mjs';
import { stopWatch } from './stop-watch.mjs';
import { fillLog, forwardAll, inKafkaWorld, TOPICS } from './world.mjs';

const TABLES = [...READ_MODEL_TABLES, 'audit_event', 'consumer_offset'];
/** What the adapter asks the client for; the baseline reads the same way. */
const READ_AHEAD = { partitionsConsumedConcurrently: 8 };
const MAX_WAIT_MS = 500;

/**
 * Readers of the same topics, round by round: kafkajs alone with a handler that does nothing; the dispatcher that connectors run
 * on, with handlers that do nothing; the projector from offset zero. The clock runs from a reader's first record to its last.
 */
export const kafkaRead = (progress, { brokers, people = 8_000, rounds = 5 } = {}) =>
  inKafkaWorld({ brokers, progress }, async world => {
    const events = await fillLog(world, people);
    // No record is there twice: all readers get the same number.
    await forwardAll(world, events, { report: progress.stage('records forwarded', events) });
    const ways = { raw: eachBatch, dispatcher: dispatch, projector: project };
    const rates = { raw: [], dispatcher: [], projector: [] };
    for (let round = 0; round <= rounds; round += 1)
      for (const [way, run] of Object.entries(ways)) {
        const rate = events / (await run(world, stopWatch(progress, way, events)));
        // The first round warms the caches and the compiler.
        if (round > 0) rates[way].push(rate);
        progress(`round ${round} of ${rounds}: ${way} ${Math.round(rate)} records/s`);
      }
    const against = (way, wanted) => ({
      value: median(rates[way]),
      ratio: median(rates[way].map((rate, i) => rate / rates.raw[i])),
      against: 'raw eachBatch',
      wanted,
    });
    return {
      name: 'kafka-read',
      unit: 'records/s',
      rows: [
        { what: 'raw eachBatch of kafkajs', value: median(rates.raw) },
        { what: 'dispatcher with handlers that do nothing', ...against('dispatcher', 0.7) },
        { what: 'projector from offset zero: state, audit and offsets', ...against('projector', 0.2) },
      ],
    };
  });

async function eachBatch({ kafka }, watch) {
  const consumer = kafka.consumer({ groupId: `raw-${randomUUID()}`, maxWaitTimeInMs: MAX_WAIT_MS });
  consumer.on(consumer.events.CRASH, ({ payload }) => watch.fail(payload.error));
  await consumer.connect();
  try {
    await consumer.subscribe({ topics: TOPICS, fromBeginning: true });
    await consumer.run({
      ...READ_AHEAD,
      autoCommit: false,
      eachBatch: ({ batch }) => {
        watch.count(batch.messages.length);
        return Promise.resolve();
      },
    });
    return await watch.finished;
  } finally {
    await consumer.disconnect();
  }
}

const open = connection =>
  createKafkaEventLogConsumer({ connection, clientId: 'bench', maxWaitMs: MAX_WAIT_MS });

async function dispatch({ connection }, watch) {
  const done = Promise.resolve({ kind: 'ack' });
  const server = new EventLogServer({
    consumer: timedFrom(open(connection), watch),
    group: `bench-${randomUUID()}`,
    topics: TOPICS,
    onFatal: watch.fail,
  });
  for (const type of new Set(lifeOf(0).map(event => event.type)))
    server.addHandler(
      type,
      () => {
        watch.count(1);
        return done;
      },
      true,
    );
  await new Promise((resolve, reject) => server.listen(error => (error ? reject(error) : resolve())));
  try {
    return await watch.finished;
  } finally {
    await server.close();
  }
}

async function project({ connection, db }, watch) {
  await db.query('alter table audit_event disable trigger all');
  for (const table of TABLES) await db.query(`truncate ${table}`);
  await db.query('alter table audit_event enable trigger all');
  await db.query('checkpoint');
  const consumer = new TransactionalConsumer({
    name: `bench-${randomUUID()}`,
    topics: TOPICS,
    consumer: timedFrom(open(connection), watch),
    dataSource: db,
    handleBatch: projectBatch,
    lanes: PROJECTOR_LANES,
    onCommitted: records => watch.count(records.length),
    isFatal: () => true,
    onFatal: watch.fail,
  });
  await consumer.start();
  try {
    return await watch.finished;
  } finally {
    await consumer.stop();
  }
}

/** Starts the clock with the first records that a consumer delivers. */
function timedFrom(consumer, watch) {
  const start = consumer.start.bind(consumer);
  consumer.start = o =>
    start({
      ...o,
      onRecords: (...delivered) => {
        watch.start();
        o.onRecords(...delivered);
      },
    });
  return consumer;
}
