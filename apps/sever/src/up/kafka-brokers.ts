import { loadConfig, setting } from '@sever/config';
import { TOPICS } from '@sever/event-contracts';
import { EventLogError, PARTITIONS } from '@sever/event-log';
import {
  ensureKafkaTopics,
  kafkaEnvironment,
  kafkaSettings,
  patchRequestQueue,
  type KafkaConnection,
} from '@sever/event-log-kafka';
import { KafkaClusterError, startKafkaCluster, type ClusterNode } from '@sever/kafka-cluster';
import { EXIT, SeverError } from '../sever-error.js';
import type { DataFolder } from './data-folder.js';
import type { Service, Supervisor } from './supervised.js';

const { env, text, schema } = kafkaSettings.kafkaBrokers;
const givenSettings = { ...kafkaSettings, kafkaBrokers: setting(env, text, schema.optional()) };

/** Brokers that are ready and have the topics. `env` is what the apps need to reach them. */
export type KafkaBrokers = { addresses: string; env: Readonly<Record<string, string>> };

/** Supervised names of local brokers, for the order of stopping. */
export const KAFKA_SERVICES = ['kafka-1', 'kafka-2', 'kafka-3'];

/**
 * The brokers of the Kafka profile with their topics: those that KAFKA_BROKERS names, otherwise local ones that are supervised like every other process.
 * @throws SeverError naming what a local broker lacks, or that brokers do not answer
 */
export async function prepareBrokers(...o: Parameters<typeof prepare>): Promise<KafkaBrokers> {
  try {
    return await prepare(...o);
  } catch (error) {
    if (error instanceof KafkaClusterError || error instanceof EventLogError)
      throw new SeverError(error.code, error.message, EXIT.unreachable);
    throw error;
  }
}

async function prepare(
  folder: DataFolder,
  size: 1 | 3,
  supervisor: Supervisor,
  progress: (line: string) => void,
): Promise<KafkaBrokers> {
  patchRequestQueue();
  const { kafkaBrokers, ...access } = loadConfig(givenSettings);
  const brokers = kafkaBrokers ?? (await startLocal(folder, size, supervisor, progress));
  // Credentials belong to the brokers that were named; local ones ask for none.
  const connection: KafkaConnection = kafkaBrokers
    ? { ...access, kafkaBrokers: brokers }
    : { kafkaBrokers: brokers };
  await ensureKafkaTopics(
    connection,
    TOPICS.map(topic => ({ topic, partitions: PARTITIONS })),
  );
  return { addresses: brokers.join(','), env: environmentOf(connection) };
}

/** A cluster of another size is another cluster, in a folder of its own; the relay fills whichever is used. */
async function startLocal(
  folder: DataFolder,
  size: 1 | 3,
  supervisor: Supervisor,
  progress: (line: string) => void,
): Promise<string[]> {
  const cluster = await startKafkaCluster({
    brokers: size,
    dataDir: folder.file(size === 1 ? 'kafka' : `kafka-of-${size}`),
    onLog: progress,
  });
  await Promise.all(cluster.nodes.map(node => supervisor.add(brokerService(node))));
  return cluster.brokers.split(',');
}

/** The first start finds the broker running: a cluster starts as a whole. Later ones do not wait for other brokers, which may hang. */
function brokerService(node: ClusterNode): Service {
  let isFirst = true;
  return {
    name: `kafka-${node.id}`,
    start: async () => {
      if (!isFirst) await node.rejoin();
      isFirst = false;
      return { pid: node.pid, exited: node.exited, stop: () => node.stop() };
    },
  };
}

const environmentOf = (connection: KafkaConnection): Record<string, string> => ({
  SEVER_PROFILE: 'kafka',
  ...kafkaEnvironment(connection),
});
