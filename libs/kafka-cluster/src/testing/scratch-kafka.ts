import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startKafkaCluster, type KafkaCluster, type KafkaClusterOptions } from '../kafka-cluster.js';

/** A local cluster in a new folder that disappears with `dispose()`. */
export async function startScratchKafka(
  o: Partial<Omit<KafkaClusterOptions, 'dataDir'>> = {},
): Promise<KafkaCluster & { dataDir: string; dispose(): Promise<void> }> {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'sever-kafka-'));
  const remove = (): void => rmSync(dataDir, { recursive: true, force: true });
  try {
    const cluster = await startKafkaCluster({ brokers: 1, ...o, dataDir });
    const dispose = async (): Promise<void> => {
      await Promise.all(cluster.nodes.map(n => n.kill()));
      remove();
    };
    return { ...cluster, dataDir, dispose };
  } catch (error) {
    remove();
    throw error;
  }
}
