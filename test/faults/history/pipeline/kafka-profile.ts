import { createKafkaEventLogConsumer } from '@sever/event-log-kafka';
import { sql } from '../../../harness/clients.js';
import type { Profile } from './profile.js';

/**
 * The log on Kafka. Positions are those of the consumers that keep their own, by log offset: what groups store on the brokers
 * counts Kafka's offsets, in which a batch that was sent twice stands twice.
 */
export const kafka: Profile = {
  name: 'kafka',
  options: ['--profile', 'kafka'],
  openConsumer: (pipeline, name) => {
    const consumer = createKafkaEventLogConsumer({
      connection: {
        kafkaBrokers: (pipeline.ready.kafkaBrokers ?? '').split(','),
        kafkaCaFile: undefined,
        kafkaUser: undefined,
        kafkaPassword: undefined,
      },
      clientId: name,
    });
    return Promise.resolve({ consumer, release: () => Promise.resolve() });
  },
  positions: async pipeline =>
    (
      await sql<{ reader: string; topic: string; partition: number; next: string }>(
        pipeline.ready.databaseUrl,
        `select c.consumer as reader, lp.topic, lp.partition, coalesce(o.next_log_offset, 0) as next
           from (select distinct consumer from consumer_offset) c cross join log_partition lp
           left join consumer_offset o on o.consumer = c.consumer and o.topic = lp.topic and o.partition = lp.partition`,
      )
    ).map(row => ({ ...row, next: Number(row.next) })),
};
