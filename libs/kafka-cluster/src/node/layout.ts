import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { KAFKA_VERSION } from '../cluster-settings.js';
import { KafkaClusterError } from '../kafka-cluster-error.js';
import { writeAtomically } from '../write-atomically.js';
import { choosePort, isFree } from './ports.js';

const nodeSchema = z.object({
  id: z.number(),
  /** Where clients connect. */
  port: z.number(),
  /** Where the other brokers connect. */
  internalPort: z.number(),
  /** Where the controllers of the quorum connect. */
  controllerPort: z.number(),
});
const layoutSchema = z.object({
  kafka: z.string(),
  clusterId: z.string(),
  secured: z.boolean(),
  nodes: z.array(nodeSchema),
});

export type NodeLayout = z.infer<typeof nodeSchema>;
/** What a data folder remembers of its cluster. */
export type Layout = z.infer<typeof layoutSchema>;
export type WantedLayout = { brokers: 1 | 3; secured: boolean };

/**
 * The layout of a data folder, made at the first start and kept: the cluster's id, its size, its ports.
 * A port that another program took meanwhile is replaced; only call this while no broker of the folder runs.
 * @throws KafkaClusterError `kafka.layout-mismatch` for a folder of another size, security or version
 */
export async function openLayout(dataDir: string, wanted: WantedLayout): Promise<Layout> {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  chmodSync(dataDir, 0o700);
  const file = path.join(dataDir, 'cluster.json');
  const stored = existsSync(file) ? layoutSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) : undefined;
  if (stored) requireSame(dataDir, stored, wanted);
  const layout = await withFreePorts(stored ?? fresh(wanted));
  writeAtomically(file, `${JSON.stringify(layout, null, 2)}\n`);
  return layout;
}

function requireSame(dataDir: string, stored: Layout, wanted: WantedLayout): void {
  const differs = [
    stored.kafka !== KAFKA_VERSION && `was formatted by Kafka ${stored.kafka}, this is ${KAFKA_VERSION}`,
    stored.nodes.length !== wanted.brokers && `has ${stored.nodes.length} brokers, not ${wanted.brokers}`,
    stored.secured !== wanted.secured && `is ${stored.secured ? 'secured' : 'not secured'}`,
  ].filter(text => text !== false);
  if (differs.length === 0) return;
  throw new KafkaClusterError(
    'kafka.layout-mismatch',
    `the Kafka cluster in ${dataDir} ${differs.join(' and ')}; start it as it was made, or choose another folder`,
  );
}

const fresh = (wanted: WantedLayout): Layout => ({
  kafka: KAFKA_VERSION,
  clusterId: newClusterId(),
  secured: wanted.secured,
  nodes: Array.from({ length: wanted.brokers }, (_, i) => ({
    id: i + 1,
    port: 0,
    internalPort: 0,
    controllerPort: 0,
  })),
});

/** 16 random bytes as Kafka writes ids; one that begins with a dash would read as an option. */
function newClusterId(): string {
  const id = randomBytes(16).toString('base64url');
  return id.startsWith('-') ? newClusterId() : id;
}

async function withFreePorts(layout: Layout): Promise<Layout> {
  const taken = new Set(layout.nodes.flatMap(n => [n.port, n.internalPort, n.controllerPort]));
  const keep = async (port: number): Promise<number> => {
    if (port !== 0 && (await isFree(port))) return port;
    const chosen = await choosePort(taken);
    taken.add(chosen);
    return chosen;
  };
  const nodes: NodeLayout[] = [];
  for (const n of layout.nodes)
    nodes.push({
      id: n.id,
      port: await keep(n.port),
      internalPort: await keep(n.internalPort),
      controllerPort: await keep(n.controllerPort),
    });
  return { ...layout, nodes };
}
