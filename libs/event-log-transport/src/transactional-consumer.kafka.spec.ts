import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { PARTITIONS, type LogRecord } from '@sever/event-log';
import { createKafkaEventLogConsumer, ensureKafkaTopics } from '@sever/event-log-kafka';
import { KafkaLog, plainConnection } from '@sever/event-log-kafka/testing';
import { eventually, keyIn, specRecord } from '@sever/event-log/testing';
import { startScratchKafka } from '@sever/kafka-cluster/testing';
import { rows } from '@sever/postgres';
import type { EntityManager } from 'typeorm';
import { TransactionalConsumer } from './transactional-consumer.js';

jest.setTimeout(120_000);

describe('the transactional consumer on Kafka', () => {
  let cluster: Awaited<ReturnType<typeof startScratchKafka>>;
  let log: KafkaLog;
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

  it('applies everything once and in order while members come, go and fail', async () => {
    const keys = Array.from({ length: 12 }, (_, partition) => keyIn(partition));
    const sent: string[] = [];
    const fatal: Error[] = [];
    let turn = 0;
    const member = async (): Promise<TransactionalConsumer> => {
      const made = new TransactionalConsumer({
        name: 'spec',
        topics: ['requests', 'outcomes'],
        consumer: createKafkaEventLogConsumer({
          ...{ connection: plainConnection(cluster.brokers), clientId: 'spec' },
          ...{ sessionTimeoutMs: 6_000, heartbeatMs: 200, maxWaitMs: 50 },
        }),
        dataSource: log.db.owner,
        batchRecords: 7,
        handleBatch: async (em: EntityManager, records: readonly LogRecord[]) => {
          await em.query('insert into applied (event) select unnest($1::text[])', [
            records.map(r => r.headers.ce_id),
          ]);
          turn += 1;
          if (turn % 5 === 0) throw new Error('every fifth fails');
        },
        isFatal: () => false,
        onFatal: error => fatal.push(error),
      });
      await made.start();
      return made;
    };
    const members = [await member()];
    for (let round = 0; round < 16; round += 1) {
      const batch = keys.flatMap(key => [specRecord(key), specRecord(key, { topic: 'outcomes' })]);
      sent.push(...batch.map(r => r.eventId));
      await log.append(batch);
      if (round % 4 === 1) members.push(await member());
      if (round % 4 === 3) await members.shift()?.stop();
    }
    await eventually('everything', async () => (await applied()).length >= sent.length);
    const got = await applied();
    expect(got).toHaveLength(sent.length);
    const lanes = 2 * keys.length;
    for (let lane = 0; lane < lanes; lane += 1) {
      const mine = new Set(sent.filter((_, i) => i % lanes === lane));
      expect(got.filter(id => mine.has(id))).toEqual(sent.filter(id => mine.has(id)));
    }
    expect(fatal).toEqual([]);
    await Promise.all(members.map(m => m.stop()));
  });
});
