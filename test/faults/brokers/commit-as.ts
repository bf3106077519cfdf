import kafkajs from 'kafkajs';
import type { Pipeline } from '../../harness/pipeline.js';
import { eventually } from '../../harness/clients.js';
import { askBroker, int32, int64, text } from './broker-request.js';

const OFFSET_COMMIT = { api: 8, version: 2, isFlexible: false };
/** Of a group without members. */
const NO_GENERATION = -1;
const NO_RETENTION = -1;

type Ends = ReadonlyMap<number, number>;

/** Ends of the partitions of `requests` on Kafka. */
export async function endsOnKafka(pipeline: Pipeline): Promise<Ends> {
  const admin = new kafkajs.Kafka({
    brokers: brokersOf(pipeline),
    logLevel: kafkajs.logLevel.NOTHING,
  }).admin();
  await admin.connect();
  try {
    const ends = await admin.fetchTopicOffsets('requests');
    return new Map(ends.map(e => [e.partition, Number(e.high)]));
  } finally {
    await admin.disconnect();
  }
}

/**
 * Commits the end of a partition of `requests` for a group that has no members at the moment, as a consumer would that commits before it
 * acts, once something has been forwarded there since `before`.
 * @returns false when the group has members
 */
export async function commitAs(
  pipeline: Pipeline,
  group: string,
  partition: number,
  before: Ends,
): Promise<boolean> {
  const end = await eventually('a new record on Kafka', async () => {
    const now = (await endsOnKafka(pipeline)).get(partition) ?? 0;
    return now > (before.get(partition) ?? 0) && now;
  });
  const body = Buffer.concat([
    ...[text(group), int32(NO_GENERATION), text(''), int64(NO_RETENTION)],
    ...[int32(1), text('requests'), int32(1), int32(partition), int64(end), text('')],
  ]);
  const answer = await askBroker(brokersOf(pipeline)[0] ?? '', { ...OFFSET_COMMIT, body });
  // One topic with its name, one partition with its number, then the error.
  return answer.readInt16BE(4 + 2 + 'requests'.length + 4 + 4) === 0;
}

const brokersOf = (pipeline: Pipeline): string[] => (pipeline.ready.kafkaBrokers ?? '').split(',');
