import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { PARTITIONS, type LogRecord, type NewRecord } from '@sever/event-log';
import { createKafkaEventLogConsumer, ensureKafkaTopics } from '@sever/event-log-kafka';
import { KafkaLog, plainConnection } from '@sever/event-log-kafka/testing';
import { createPostgresEventLogConsumer, createPostgresEventLogWriter } from '@sever/event-log-postgres';
import { eventually, keyIn, specRecord } from '@sever/event-log/testing';
import { startScratchKafka } from '@sever/kafka-cluster/testing';
import { rows } from '@sever/postgres';
import type { EntityManager } from 'typeorm';
import { TransactionalConsumer } from './transactional-consumer.js';

jest.setTimeout(120_000);

/** Positions stored while the log in PostgreSQL was read, taken to brokers that do not hold that much yet. */
describe('a transactional consumer whose profile changes', () => {
  let cluster: Awaited<ReturnType<typeof startScratchKafka>>;
  let log: KafkaLog;
  const fatal: Error[] = [];
  const errors: unknown[] = [];
  beforeAll(async () => {
    cluster = await startScratchKafka();
    const connection = plainConnection(cluster.brokers);
    await ensureKafkaTopics(
      connection,
      ['requests', 'outcomes'].map(topic => ({ topic, partitions: PARTITIONS })),
    );
    log = await KafkaLog.open(connection);
    await log.db.owner.query('create table applied (event text, seq bigint generated always as identity)');
  });
  afterAll(async () => {
    await log.close();
    await cluster.dispose();
  });

  const applied = async (): Promise<string[]> =>
    (await rows<{ event: string }>(log.db.owner, 'select event from applied order by seq')).map(r => r.event);
  const append = (records: readonly NewRecord[]): Promise<unknown> =>
    log.db.owner.transaction(em => createPostgresEventLogWriter(log.db.owner).append(em, records));

  async function reader(profile: 'embedded' | 'kafka'): Promise<TransactionalConsumer> {
    const made = new TransactionalConsumer({
      name: 'spec',
      topics: ['requests', 'outcomes'],
      consumer:
        profile === 'kafka'
          ? createKafkaEventLogConsumer({
              ...{ connection: plainConnection(cluster.brokers), clientId: 'spec', maxWaitMs: 50 },
              onError: error => errors.push(error),
            })
          : createPostgresEventLogConsumer({
              ...{ dataSource: log.db.owner, listenUrl: log.db.url, applicationName: 'spec' },
            }),
      dataSource: log.db.owner,
      handleBatch: async (em: EntityManager, records: readonly LogRecord[]) => {
        await em.query('insert into applied (event) select unnest($1::text[])', [
          records.map(r => r.headers.ce_id),
        ]);
      },
      isFatal: () => false,
      onFatal: error => fatal.push(error),
    });
    await made.start();
    return made;
  }

  it('goes on where it was when the brokers are filled only afterwards, and repeats nothing', async () => {
    const key = keyIn(3);
    const old = Array.from({ length: 40 }, () => specRecord(key));
    await append(old);
    const embedded = await reader('embedded');
    await eventually('the old ones', async () => (await applied()).length === old.length);
    await embedded.stop();
    const kafka = await reader('kafka');
    // Long enough for a fetch at a position that is not there yet.
    const until = Date.now() + 4_000;
    await eventually('a while', () => Date.now() > until);
    const young = specRecord(key);
    await log.append([young]);
    await eventually(
      'the young one',
      async () => fatal.length > 0 || (await applied()).includes(young.eventId),
    );
    expect(fatal).toEqual([]);
    expect(await applied()).toEqual([...old, young].map(r => r.eventId));
    await kafka.stop();
    const again = await reader('kafka');
    const youngest = specRecord(key);
    await log.append([youngest]);
    await eventually(
      'the youngest',
      async () => fatal.length > 0 || (await applied()).includes(youngest.eventId),
    );
    expect(fatal).toEqual([]);
    expect(await applied()).toEqual([...old, young, youngest].map(r => r.eventId));
    await again.stop();
  });
});
