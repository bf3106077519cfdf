import { auditMigrations } from '@sever/audit-store';
import { PARTITIONS, toRecord } from '@sever/event-log';
import { createKafkaRelayTarget, ensureKafkaTopics, patchRequestQueue } from '@sever/event-log-kafka';
import {
  createPostgresEventLogAdmin,
  createPostgresEventLogWriter,
  eventLogMigrations,
} from '@sever/event-log-postgres';
import { startScratchKafka } from '@sever/kafka-cluster/testing';
import { PostgresRelayStore, Relay, relayMigrations } from '@sever/log-relay';
import { migrate, openDatabase, roleMigrations } from '@sever/postgres';
import { readModelMigrations } from '@sever/read-models';
import kafkajs from 'kafkajs';
import { lifeOf } from '../events.mjs';
import { opened, scratchPostgres } from '../resources.mjs';

export const TOPICS = ['requests', 'outcomes'];
export const LEASE_MS = 600_000;

/** A log in PostgreSQL and on Kafka, both new and empty; `brokers` is 1 or 3. */
export async function inKafkaWorld({ brokers = 1, progress }, run) {
  progress(`${brokers} broker${brokers > 1 ? 's' : ''} and PostgreSQL start`);
  const cluster = await startScratchKafka({ brokers });
  const closeKafka = opened(() => cluster.dispose());
  const server = await scratchPostgres();
  await migrate(server.url, [
    ...roleMigrations,
    ...eventLogMigrations,
    ...relayMigrations,
    ...readModelMigrations,
    ...auditMigrations,
  ]);
  const db = await openDatabase({ url: server.url, applicationName: 'bench', poolMax: 12 });
  const closeDatabase = opened(() => db.destroy());
  try {
    const connection = {
      kafkaBrokers: cluster.brokers.split(','),
      ...{ kafkaCaFile: undefined, kafkaUser: undefined, kafkaPassword: undefined },
    };
    const specs = TOPICS.map(topic => ({ topic, partitions: PARTITIONS }));
    await createPostgresEventLogAdmin(db).ensureTopics(specs);
    await ensureKafkaTopics(connection, specs);
    return await run({ db, url: server.url, connection, kafka: rawClient(connection), progress });
  } finally {
    await closeDatabase();
    await server.dispose();
    await closeKafka();
  }
}

/** kafkajs by itself, with the idle-timer patch: the baseline gets what costs the pipeline nothing. */
export function rawClient({ kafkaBrokers }) {
  patchRequestQueue();
  return new kafkajs.Kafka({
    clientId: 'bench-raw',
    brokers: kafkaBrokers,
    logLevel: kafkajs.logLevel.NOTHING,
  });
}

/** Writes the opt-outs of `people` to the log. @returns the number of events */
export async function fillLog({ db, progress }, people) {
  const writer = createPostgresEventLogWriter(db);
  const report = progress.stage('events written', people * lifeOf(0).length);
  let written = 0;
  for (let i = 0; i < people; i += 50) {
    const records = Array.from({ length: Math.min(50, people - i) }, (_, k) => lifeOf(i + k))
      .flat()
      .map(toRecord);
    await db.transaction(em => writer.append(em, records));
    report((written += records.length));
  }
  await db.query('vacuum analyze log_requests, log_outcomes');
  return written;
}

/**
 * Forwards the whole log from its beginning, by the relay itself. The clock runs from the first acknowledgement: the lease, what
 * the target holds and the connections are there then.
 * @returns records per second
 */
export async function forwardAll({ db, connection }, events, { report = () => undefined, spy } = {}) {
  await db.query('truncate relay_position');
  const store = new PostgresRelayStore(db, { leaseMs: LEASE_MS });
  const target = createKafkaRelayTarget(connection);
  const relay = new Relay(store, spy ? spy(target) : target);
  try {
    const before = await forwardNext(relay);
    const began = performance.now();
    let done = before;
    while (done < events) report((done += await forwardNext(relay)));
    return (events - before) / ((performance.now() - began) / 1_000);
  } finally {
    if (relay.epoch !== undefined) await store.release(relay.epoch);
    await target.close();
  }
}

async function forwardNext(relay) {
  const step = await relay.step();
  if (step.kind !== 'forwarded') throw new Error(`the relay is ${step.kind} although more waits`);
  return step.records;
}
