import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';

/** A record on Kafka, as far as the tests compare it. */
export type KafkaEntry = { topic: string; partition: number; logOffset: number; id: string; value: string };

const DEADLINE_MS = 60_000;

/** Everything that topics hold, in order per partition, repetitions included. */
export async function readKafka(brokers: string, topics: readonly string[]): Promise<KafkaEntry[]> {
  const kafka = new kafkajs.Kafka({ brokers: brokers.split(','), logLevel: kafkajs.logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const offsets = await Promise.all(topics.map(topic => admin.fetchTopicOffsets(topic)));
  await admin.disconnect();
  const total = offsets.flat().reduce((sum, o) => sum + Number(o.high), 0);
  const entries: KafkaEntry[] = [];
  if (total === 0) return entries;
  const consumer = kafka.consumer({ groupId: randomUUID(), maxWaitTimeInMs: 200 });
  await consumer.connect();
  await consumer.subscribe({ topics: [...topics], fromBeginning: true });
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${entries.length} of ${total}`)), DEADLINE_MS);
      void consumer.run({
        autoCommit: false,
        eachMessage: ({ topic, partition, message }) => {
          const header = (name: string): string => String(message.headers?.[name]);
          const logOffset = Number(header('sever-log-offset'));
          entries.push({ topic, partition, logOffset, id: header('ce_id'), value: String(message.value) });
          if (entries.length < total) return Promise.resolve();
          clearTimeout(timer);
          resolve();
          return Promise.resolve();
        },
      });
    });
  } finally {
    await consumer.disconnect();
  }
  return entries;
}

/** What a reader keeps that drops everything not above the last log offset of its partition; throws where an offset is missing. */
export function withoutRepetitions(entries: readonly KafkaEntry[]): KafkaEntry[] {
  const next = new Map<string, number>();
  return entries.filter(e => {
    const key = `${e.topic}/${e.partition}`;
    const expected = next.get(key) ?? 0;
    if (e.logOffset > expected) throw new Error(`${key} continues at ${e.logOffset}, not at ${expected}`);
    if (e.logOffset === expected) next.set(key, expected + 1);
    return e.logOffset === expected;
  });
}
