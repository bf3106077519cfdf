import { execFile } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { javaProgram } from '../cluster-settings.js';
import { KafkaClusterError } from '../kafka-cluster-error.js';
import type { Credential } from '../security/credentials.js';
import type { NodeFolder } from './node-folder.js';

/**
 * Formats a node's data folder unless that was done already. Every node of a new cluster gets the same users.
 * @returns whether it was formatted now
 * @throws KafkaClusterError `kafka.format-failed`
 */
export async function ensureFormatted(
  folder: NodeFolder,
  clusterId: string,
  classPath: string,
  users: readonly Credential[],
): Promise<boolean> {
  const data = path.join(folder.dir, 'data');
  if (existsSync(path.join(data, 'meta.properties'))) return false;
  // A format that was killed leaves a folder that the next one would refuse.
  rmSync(data, { recursive: true, force: true });
  const args = [
    '-cp',
    classPath,
    `-Dlog4j2.configurationFile=${folder.logProperties}`,
    'kafka.tools.StorageTool',
    'format',
    '--cluster-id',
    clusterId,
    '--config',
    folder.properties,
  ];
  const secrets = path.join(folder.dir, 'format-users');
  if (users.length > 0) {
    // Through a file: everybody on the machine can read a command line.
    writeFileSync(secrets, users.flatMap(u => ['--add-scram', scram(u)]).join('\n'), { mode: 0o600 });
    args.push(`@${secrets}`);
  }
  try {
    await run(args, folder.dir);
    return true;
  } finally {
    rmSync(secrets, { force: true });
  }
}

const scram = (u: Credential): string => `SCRAM-SHA-512=[name=${u.username},password=${u.password}]`;

function run(args: readonly string[], dir: string): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(javaProgram('java'), args, { timeout: 60_000 }, (error, stdout, stderr) => {
      if (!error) return resolve();
      const said = `${stderr}${stdout}`.trim().split('\n').slice(-15).join('\n');
      reject(
        new KafkaClusterError(
          'kafka.format-failed',
          `the data folder of Kafka in ${dir} cannot be formatted:\n${said}`,
        ),
      );
    });
  });
}
