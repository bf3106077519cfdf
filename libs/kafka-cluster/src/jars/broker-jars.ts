import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { jarFolder } from '../cluster-settings.js';
import { checkJars, readJarList, type JarList } from './jar-list.js';
import { downloadJars } from './maven.js';

export type BrokerJarsOptions = {
  /** Where the jars are kept; see `jarFolder`. */
  folder?: string;
  /** What they must be; by default what the repository records. */
  list?: JarList;
  download?: (folder: string) => Promise<void>;
  onLog?: (line: string) => void;
};

/**
 * The class path of the broker: exactly the recorded jars, downloaded once and compared with their checksums at every start.
 * A download becomes visible under its final name only when it is complete and right, so a killed one is never used.
 * @throws KafkaClusterError `kafka.maven-missing`, `kafka.maven-failed`, `kafka.jar-mismatch`
 */
export async function brokerClassPath(o: BrokerJarsOptions = {}): Promise<string> {
  const folder = o.folder ?? jarFolder();
  const list = o.list ?? readJarList();
  if (!existsSync(folder)) await fill(folder, list, o);
  checkJars(folder, list);
  return [...list.keys()].map(name => path.join(folder, name)).join(path.delimiter);
}

async function fill(folder: string, list: JarList, o: BrokerJarsOptions): Promise<void> {
  o.onLog?.(`fetching the jars of Kafka into ${folder} (once, about 45 MB)`);
  mkdirSync(path.dirname(folder), { recursive: true });
  const partial = mkdtempSync(`${folder}.partial-`);
  try {
    await (o.download ?? downloadJars)(partial);
    checkJars(partial, list);
    moveInto(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

/** Two starts may download at the same time: the first to finish wins, and both hold the same checked content. */
function moveInto(partial: string, folder: string): void {
  try {
    renameSync(partial, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  }
}
