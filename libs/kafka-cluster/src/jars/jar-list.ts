import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { KafkaClusterError } from '../kafka-cluster-error.js';

/** File name and SHA-256 (hex) of every jar of the broker. */
export type JarList = ReadonlyMap<string, string>;

/** What the repository records, in the format of `sha256sum`. */
export const JAR_LIST_FILE = path.resolve(import.meta.dirname, '../../jars.sha256');

export function readJarList(file: string = JAR_LIST_FILE): JarList {
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return new Map(
    lines.map(line => {
      const [digest = '', name = ''] = line.split(/\s+/);
      return [name, digest];
    }),
  );
}

/** Digest of one file. */
export const sha256OfFile = (file: string): string =>
  createHash('sha256').update(readFileSync(file)).digest('hex');

/**
 * Compares every listed jar of a folder with its recorded checksum. Other files there are never loaded.
 * @throws KafkaClusterError `kafka.jar-mismatch` naming the first jar that is missing or differs
 */
export function checkJars(folder: string, list: JarList): void {
  for (const [name, digest] of list) {
    const file = path.join(folder, name);
    const problem = !existsSync(file) ? 'is missing' : sha256OfFile(file) === digest ? undefined : 'differs';
    if (problem)
      throw new KafkaClusterError(
        'kafka.jar-mismatch',
        `${name} in ${folder} ${problem}: its SHA-256 must be ${digest}; delete that folder and start again, ` +
          'and if that does not help, the source that Maven uses delivers something else than was recorded',
      );
  }
}
