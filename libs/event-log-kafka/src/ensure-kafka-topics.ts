import { setTimeout as sleep } from 'node:timers/promises';
import { EventLogError, type TopicSpec } from '@sever/event-log';
import type { Admin } from 'kafkajs';
import { createKafkaClient, unavailable } from './kafka-client.js';
import type { KafkaConnection } from './kafka-settings.js';

const COPIES = 3;
const SETTLED_WITHIN_MS = 30_000;
const POLL_MS = 100;

/** Kept for ever and as it was written: compaction or retention would delete history. */
const TOPIC_SETTINGS = {
  'cleanup.policy': 'delete',
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'message.timestamp.type': 'CreateTime',
  'compression.type': 'producer',
  'unclean.leader.election.enable': 'false',
};

/**
 * Creates the topics that are missing, with three copies where there are three brokers, and waits until their leaders serve them;
 * never changes a topic that is there.
 * @throws EventLogError `log.partition-mismatch` for a topic with another number of partitions, `log.unavailable`
 */
export async function ensureKafkaTopics(
  connection: KafkaConnection,
  specs: readonly TopicSpec[],
): Promise<void> {
  const admin = createKafkaClient(connection, 'sever-topics').admin();
  try {
    await admin.connect();
    await createMissing(admin, specs);
    for (const spec of specs) {
      await checkPartitions(admin, spec);
      await untilServed(admin, spec.topic);
    }
  } catch (error) {
    throw error instanceof EventLogError
      ? error
      : unavailable('the topics of Kafka cannot be prepared', error);
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}

async function createMissing(admin: Admin, specs: readonly TopicSpec[]): Promise<void> {
  const existing = new Set(await admin.listTopics());
  const missing = specs.filter(spec => !existing.has(spec.topic));
  if (missing.length === 0) return;
  const { brokers } = await admin.describeCluster();
  const copies = Math.min(COPIES, brokers.length);
  const settings = { ...TOPIC_SETTINGS, 'min.insync.replicas': String(Math.max(1, copies - 1)) };
  await admin.createTopics({
    // The client would not wait for a broker that has not heard of the topic yet; what follows does.
    waitForLeaders: false,
    topics: missing.map(({ topic, partitions }) => ({
      topic,
      numPartitions: partitions,
      replicationFactor: copies,
      configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })),
    })),
  });
}

/** A topic that was made a moment ago is not known to every broker at once. */
const countPartitions = (admin: Admin, topic: string): Promise<number> =>
  settled(
    async () => (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]?.partitions.length ?? 0,
    ['UNKNOWN_TOPIC_OR_PARTITION'],
  );

/** A leader is named before it serves: until then it says that it is none. */
const untilServed = (admin: Admin, topic: string): Promise<unknown> =>
  settled(
    () => admin.fetchTopicOffsets(topic),
    ['UNKNOWN_TOPIC_OR_PARTITION', 'NOT_LEADER_FOR_PARTITION', 'LEADER_NOT_AVAILABLE'],
  );

/** Asks again while the answer is one of the errors of brokers that do not agree yet. */
async function settled<T>(ask: () => Promise<T>, unsettled: readonly string[]): Promise<T> {
  const deadline = performance.now() + SETTLED_WITHIN_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!unsettled.includes(typeOf(error)) || performance.now() > deadline) throw error;
      await sleep(POLL_MS);
    }
  }
}

/** What a broker answered; behind the error with which the client's own attempts end. */
function typeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  return 'type' in error ? String(error.type) : typeOf(error.cause);
}

async function checkPartitions(admin: Admin, { topic, partitions }: TopicSpec): Promise<void> {
  const found = await countPartitions(admin, topic);
  if (found !== partitions)
    throw new EventLogError(
      'log.partition-mismatch',
      `topic ${topic} has ${found} partitions on Kafka, the log has ${partitions}: a record's partition must be the same in both; recreate the topic`,
    );
}
