import kafkajs, { type ITopicConfig, type Kafka, type KafkaConfig } from 'kafkajs';
import type { KafkaCluster } from '../kafka-cluster.js';

const DEADLINE_MS = 60_000;

/** A client of a cluster for tests; with `user` as that user. */
export function kafkaClient(cluster: Pick<KafkaCluster, 'brokers' | 'security'>, user?: string): Kafka {
  const { security } = cluster;
  return kafkaClientWith({
    brokers: cluster.brokers.split(','),
    ...(security && { ssl: { ca: [security.ca] } }),
    ...(security && user && { sasl: { mechanism: 'scram-sha-512', ...security.credential(user) } }),
  });
}

/** A client with settings of the test's own. */
export const kafkaClientWith = (config: KafkaConfig): Kafka =>
  new kafkajs.Kafka({
    clientId: 'test',
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 8 },
    ...config,
  });

/** Sends to partition 0 with `acks=all`. */
export async function produce(kafka: Kafka, topic: string, values: readonly string[]): Promise<void> {
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  try {
    await producer.send({ topic, acks: -1, messages: values.map(value => ({ value, partition: 0 })) });
  } finally {
    await producer.disconnect();
  }
}

/** Sends one record to partition 0 with `acks=all`, once: rejects within a few seconds when it is not acknowledged. */
export function produceOnce(
  cluster: Pick<KafkaCluster, 'brokers'>,
  topic: string,
  value: string,
): Promise<void> {
  const once = kafkaClientWith({
    brokers: cluster.brokers.split(','),
    connectionTimeout: 2_000,
    requestTimeout: 2_000,
    retry: { retries: 0 },
  });
  return produce(once, topic, [value]);
}

/** Reads a topic from its beginning until there are `count` records; rejects on the first error of the group. */
export async function consume(kafka: Kafka, group: string, topic: string, count: number): Promise<string[]> {
  const consumer = kafka.consumer({ groupId: group, maxWaitTimeInMs: 200 });
  const read: string[] = [];
  await consumer.connect();
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${read.length} of ${count} records`)), DEADLINE_MS);
      const done = (settle: () => void): void => {
        clearTimeout(timer);
        settle();
      };
      consumer.on('consumer.crash', event => done(() => reject(event.payload.error)));
      void consumer
        .subscribe({ topic, fromBeginning: true })
        .then(() =>
          consumer.run({
            autoCommit: false,
            eachMessage: ({ message }) => {
              read.push(String(message.value));
              if (read.length === count) done(resolve);
              return Promise.resolve();
            },
          }),
        )
        .catch((error: unknown) => done(() => reject(error)));
    });
  } finally {
    await consumer.disconnect();
  }
  return read;
}

/** Creates a topic with one partition on as many brokers as there are. */
export const createTopic = (kafka: Kafka, topic: string, replicas: number): Promise<void> =>
  createOne(kafka, { topic, numPartitions: 1, replicationFactor: replicas });

/** Creates a topic whose only partition has its only copy on this broker. */
export const createTopicOn = (kafka: Kafka, topic: string, nodeId: number): Promise<void> =>
  createOne(kafka, { topic, replicaAssignment: [{ partition: 0, replicas: [nodeId] }] });

async function createOne(kafka: Kafka, topic: ITopicConfig): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    await admin.createTopics({ topics: [topic] });
  } finally {
    await admin.disconnect();
  }
}
