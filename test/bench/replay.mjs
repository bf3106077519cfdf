import { auditMigrations } from '@sever/audit-store';
import { PARTITIONS, toRecord } from '@sever/event-log';
import {
  createPostgresEventLogAdmin,
  createPostgresEventLogConsumer,
  createPostgresEventLogWriter,
  eventLogMigrations,
} from '@sever/event-log-postgres';
import { TransactionalConsumer } from '@sever/event-log-transport';
import { migrate, openDatabase, roleMigrations } from '@sever/postgres';
import { PROJECTOR_LANES, projectBatch, rebuild } from '@sever/projection';
import { READ_MODEL_TABLES, readModelMigrations } from '@sever/read-models';
import { lifeOf } from './events.mjs';
import { median } from './numbers.mjs';
import { scratchPostgres } from './resources.mjs';

const TOPICS = ['requests', 'outcomes'];
const SINGLES = 1_500;
const COPY = 'bench_replay';
const TABLES = [...READ_MODEL_TABLES, 'audit_event', 'consumer_offset'];

/**
 * Replay against a reader that only reads the same records, round by round. Two paths project: the projector itself catching up
 * from offset zero, and the rebuild of `sever replay verify`. State, audit stream and offsets are one transaction in both.
 */
export async function replay(progress, { people = 4_000, rounds = 5 } = {}) {
  const server = await scratchPostgres();
  try {
    await migrate(server.url, [
      ...roleMigrations,
      ...eventLogMigrations,
      ...readModelMigrations,
      ...auditMigrations,
    ]);
    const db = await openDatabase({ url: server.url, applicationName: 'bench', poolMax: 12 });
    try {
      return await measure(db, server.url, progress, { people, rounds });
    } finally {
      await db.destroy();
    }
  } finally {
    await server.dispose();
  }
}

async function measure(db, url, progress, { people, rounds }) {
  const to = await fill(db, people, progress.stage('events written', people * lifeOf(0).length));
  const events = [...to.values()].reduce((sum, next) => sum + Number(next), 0);
  const ways = {
    raw: () => read(db, to),
    projector: () => catchUp(db, url, events),
    rebuild: () => rebuildCopy(db, to),
  };
  const rates = { raw: [], projector: [], rebuild: [] };
  for (let round = 0; round <= rounds; round += 1) {
    for (const [way, run] of Object.entries(ways)) {
      await empty(db);
      const seconds = await timed(run);
      // The first round warms the caches and the compiler.
      if (round > 0) rates[way].push(events / seconds);
      progress(`round ${round} of ${rounds}: ${way} ${Math.round(events / seconds)} events/s`);
    }
  }
  await empty(db);
  const singles = SINGLES / (await timed(() => oneByOne(db, to)));
  const ratio = (over, under) => median(over.map((value, i) => value / under[i]));
  return {
    name: 'replay',
    unit: 'events/s',
    rows: [
      { what: 'raw log reader', value: median(rates.raw) },
      {
        what: 'projector from offset zero: state, audit and offsets',
        value: median(rates.projector),
        ratio: ratio(rates.projector, rates.raw),
        against: 'raw log reader',
        wanted: 0.35,
      },
      {
        what: 'rebuild of sever replay verify: the same',
        value: median(rates.rebuild),
        ratio: ratio(rates.rebuild, rates.raw),
        against: 'raw log reader',
        wanted: 0.35,
      },
      { what: 'one event per transaction', value: singles },
      {
        what: 'projector against one event per transaction',
        value: median(rates.projector),
        ratio: median(rates.projector) / singles,
        against: 'one event per transaction',
        wanted: 20,
      },
    ],
  };
}

async function timed(run) {
  const began = performance.now();
  await run();
  return (performance.now() - began) / 1_000;
}

async function fill(db, people, report) {
  const admin = createPostgresEventLogAdmin(db);
  await admin.ensureTopics(TOPICS.map(topic => ({ topic, partitions: PARTITIONS })));
  const writer = createPostgresEventLogWriter(db);
  let written = 0;
  for (let i = 0; i < people; i += 50) {
    const records = Array.from({ length: Math.min(50, people - i) }, (_, k) => lifeOf(i + k))
      .flat()
      .map(toRecord);
    await db.transaction(em => writer.append(em, records));
    report((written += records.length));
  }
  await db.query('vacuum analyze log_requests, log_outcomes');
  return new Map((await Promise.all(TOPICS.map(topic => admin.endOffsets(topic)))).flatMap(m => [...m]));
}

/** Everything projected is gone; the log stays. */
async function empty(db) {
  await db.query(`drop schema if exists ${COPY} cascade`);
  await db.query('alter table audit_event disable trigger all');
  for (const table of TABLES) await db.query(`truncate ${table}`);
  await db.query('alter table audit_event enable trigger all');
  await db.query('checkpoint');
}

/** The floor: every record of the log as an object, nothing done with it. */
async function read(db, to) {
  for await (const records of createPostgresEventLogAdmin(db).scan({ topics: TOPICS, to })) void records;
}

/** The projector's own loop, alone in its group, until the last event is committed. */
async function catchUp(db, url, events) {
  const finished = Promise.withResolvers();
  let done = 0;
  const consumer = new TransactionalConsumer({
    name: 'projector',
    topics: TOPICS,
    consumer: createPostgresEventLogConsumer({
      dataSource: db,
      listenUrl: url,
      applicationName: 'bench-listen',
      onError: finished.reject,
    }),
    dataSource: db,
    handleBatch: projectBatch,
    lanes: PROJECTOR_LANES,
    onCommitted: records => {
      done += records.length;
      if (done === events) finished.resolve();
    },
    isFatal: () => true,
    onFatal: finished.reject,
  });
  await consumer.start();
  try {
    await finished.promise;
  } finally {
    await consumer.stop();
  }
}

async function rebuildCopy(db, to) {
  await db.query(`create schema ${COPY}`);
  for (const table of TABLES)
    await db.query(`create unlogged table ${COPY}.${table} (like public.${table} including all)`);
  await rebuild(db, { schema: COPY, to });
}

/** The way of a reader without batches: each event is a transaction with everything a batch has. */
async function oneByOne(db, to) {
  const limited = new Map();
  let left = SINGLES;
  for (const [key, next] of to) {
    const take = Math.min(left, Number(next));
    if (take > 0) limited.set(key, BigInt(take));
    left -= take;
  }
  await db.query(`create schema ${COPY}`);
  for (const table of TABLES)
    await db.query(`create table ${COPY}.${table} (like public.${table} including all)`);
  await rebuild(db, { schema: COPY, to: limited, batchRecords: 1, lanes: 1 });
}
