import path from 'node:path';
import type { ClientAccess } from './client.js';
import { ClusterNode } from './cluster-node.js';
import { brokerClassPath } from './jars/broker-jars.js';
import { requireJava } from './jars/java-version.js';
import { endLeftover } from './node/broker-process.js';
import { ensureFormatted } from './node/format.js';
import { openLayout } from './node/layout.js';
import { nodeFolder, writeNodeFolder } from './node/node-folder.js';
import { untilJoined, untilReady } from './readiness.js';
import { ClusterKeys, type ClusterSecurity, type SecurityOptions } from './security/cluster-security.js';

export type KafkaClusterOptions = {
  /** One broker without copies, or three with every record on all of them. */
  brokers: 1 | 3;
  /** Everything the cluster keeps; the next start on the same folder continues with id, ports and data. */
  dataDir: string;
  /** TLS, passwords and access rules; without it everybody on this machine may do everything. */
  security?: SecurityOptions;
  /** Settings of every broker beside or instead of those that are made here, for tests of clients. */
  settings?: Readonly<Record<string, string>>;
  /** Progress for people, one line at a time. */
  onLog?: (line: string) => void;
};

/** A running local cluster. */
export type KafkaCluster = {
  /** Addresses for clients: `127.0.0.1:port,…`. */
  brokers: string;
  clusterId: string;
  nodes: readonly ClusterNode[];
  /** With the option `security`: the authority to trust and the users' passwords. */
  security: ClusterSecurity | undefined;
  stop(): Promise<void>;
};

/**
 * Starts real Kafka brokers (KRaft, combined nodes) on 127.0.0.1 and waits until they serve groups. They end when this process dies.
 * @throws KafkaClusterError saying what is missing (Java, Maven, a checksum) or why a broker did not start
 */
export async function startKafkaCluster(o: KafkaClusterOptions): Promise<KafkaCluster> {
  requireJava();
  const classPath = await brokerClassPath({ onLog: o.onLog });
  const { layout, folders, keys, isFresh, dataDir } = await prepare(o, classPath);
  const brokers = layout.nodes.map(n => `127.0.0.1:${n.port}`);
  const access: ClientAccess = { brokers, ...keys?.adminAccess };
  const ready = (alive: () => void): Promise<void> => untilReady(access, layout.nodes.length, alive);
  const nodes = folders.map(({ node, folder }) => {
    const alone = { ...access, brokers: [`127.0.0.1:${node.port}`] };
    return new ClusterNode(node, folder, classPath, ready, alive => untilJoined(alone, node.id, alive));
  });
  const stop = async (): Promise<void> => void (await Promise.all(nodes.map(n => n.stop())));
  try {
    o.onLog?.(`starting ${nodes.length === 1 ? 'one Kafka broker' : `${nodes.length} Kafka brokers`}`);
    const alive = await Promise.all(nodes.map(n => n.launch()));
    await ready(() => alive.forEach(check => check()));
    await keys?.apply(access, dataDir, classPath, isFresh);
  } catch (error) {
    await stop();
    throw error;
  }
  return { brokers: brokers.join(','), clusterId: layout.clusterId, nodes, security: keys, stop };
}

/** Everything on disk that the brokers need before they start. */
async function prepare(o: KafkaClusterOptions, classPath: string) {
  const dataDir = path.resolve(o.dataDir);
  // Brokers that a killed parent left behind hold the ports that the layout wants back.
  for (let id = 1; id <= o.brokers; id += 1) await endLeftover(nodeFolder(dataDir, id));
  const layout = await openLayout(dataDir, { brokers: o.brokers, secured: o.security !== undefined });
  const keys = o.security && ClusterKeys.open(dataDir, o.security);
  const folders = layout.nodes.map(node => ({
    node,
    folder: writeNodeFolder(dataDir, layout, node, keys?.stores, o.settings),
  }));
  const users = keys?.initialUsers() ?? [];
  const formatted = await Promise.all(
    folders.map(({ folder }) => ensureFormatted(folder, layout.clusterId, classPath, users)),
  );
  return { dataDir, layout, keys, folders, isFresh: formatted.every(Boolean) };
}
