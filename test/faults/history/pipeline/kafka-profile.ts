import { createKafkaEventLogConsumer } from '@sever/event-log-kafka';
import { sql } from '../../../harness/clients.js';
import type { Pipeline } from '../../../harness/pipeline.js';
import { readKafka } from '../../../harness/kafka-log.js';
import type { Operation } from '../operation.js';
import type { Profile } from './profile.js';

const TOPICS = ['requests', 'outcomes'];
/** A reader without any guard: it only drops what is not above the last log offset. */
const PLAIN = 'plain-reader';

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
  readAgain,
};

async function readAgain(pipeline: Pipeline): Promise<Operation[]> {
  const reader: Operation = { kind: 'reader', reader: PLAIN, topics: TOPICS, arePollsObserved: true };
  const last = new Map<string, number>();
  const polls = (await readKafka(pipeline.ready.kafkaBrokers ?? '', TOPICS)).flatMap((e): Operation[] => {
    const { topic, partition, logOffset } = e;
    const key = `${topic}/${partition}`;
    if (logOffset <= (last.get(key) ?? -1)) return [];
    last.set(key, logOffset);
    const records = [{ logOffset, eventId: e.id }];
    return [{ kind: 'poll', reader: PLAIN, member: 'again', epoch: 1, topic, partition, records }];
  });
  return [reader, ...polls];
}
