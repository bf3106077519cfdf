import { EventLogError, type TopicSpec } from '@sever/event-log';
import type { Admin } from 'kafkajs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKafkaClient, unavailable } from './kafka-client.js';
import type { KafkaConnection } from './kafka-settings.js';

const COPIES = 3;
const SERVED_TIMEOUT_MS = 30_000;
const SERVED_POLL_MS = 100;

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
      await untilServed(admin, spec.topic);
      await checkPartitions(admin, spec);
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
    waitForLeaders: true,
    topics: missing.map(({ topic, partitions }) => ({
      topic,
      numPartitions: partitions,
      replicationFactor: copies,
      configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })),
    })),
  });
}

async function checkPartitions(admin: Admin, { topic, partitions }: TopicSpec): Promise<void> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  const found = topics[0]?.partitions.length ?? 0;
  if (found !== partitions)
    throw new EventLogError(
      'log.partition-mismatch',
      `topic ${topic} has ${found} partitions on Kafka, the log has ${partitions}: a record's partition must be the same in both; recreate the topic`,
    );
}

/** A new topic is not known to every broker at once, and a leader is named before it serves. */
async function untilServed(admin: Admin, topic: string): Promise<void> {
  const deadline = Date.now() + SERVED_TIMEOUT_MS;
  for (;;) {
    try {
      await admin.fetchTopicOffsets(topic);
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(SERVED_POLL_MS);
    }
  }
}
