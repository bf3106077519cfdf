import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ClientAccess } from '../client.js';
import { javaProgram } from '../cluster-settings.js';
import { KafkaClusterError } from '../kafka-cluster-error.js';
import type { Credential } from './credentials.js';

/**
 * Gives the running cluster a user, or an existing user this password, with Kafka's own tool: the client library has no call for it.
 * @throws KafkaClusterError `kafka.user-failed`
 */
export async function registerUser(
  access: ClientAccess,
  user: Credential & { mechanism?: 'SCRAM-SHA-256' | 'SCRAM-SHA-512' },
  dataDir: string,
  classPath: string,
): Promise<void> {
  const folder = mkdtempSync(path.join(dataDir, 'user-'));
  try {
    // Secrets go through files: everybody on the machine can read a command line.
    const client = secretFile(folder, 'client.properties', clientProperties(access, folder));
    const added = secretFile(
      folder,
      'user.properties',
      `${user.mechanism ?? 'SCRAM-SHA-512'}=password=${user.password}\n`,
    );
    const command = ['--bootstrap-server', access.brokers.join(','), '--command-config', client, '--alter'];
    await run(user.password, [
      '-cp',
      classPath,
      'kafka.admin.ConfigCommand',
      ...command,
      ...['--add-config-file', added, '--entity-type', 'users', '--entity-name', user.username],
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function clientProperties(access: ClientAccess, folder: string): string {
  const { username = '', password = '' } = access.credential ?? {};
  const ca = secretFile(folder, 'ca.pem', access.ca ?? '');
  const login = 'org.apache.kafka.common.security.scram.ScramLoginModule';
  return [
    'security.protocol=SASL_SSL',
    'sasl.mechanism=SCRAM-SHA-512',
    `sasl.jaas.config=${login} required username="${username}" password="${password}";`,
    'ssl.truststore.type=PEM',
    `ssl.truststore.location=${ca}`,
  ].join('\n');
}

function secretFile(folder: string, name: string, content: string): string {
  const file = path.join(folder, name);
  writeFileSync(file, content, { mode: 0o600 });
  return file;
}

/** @param secret never part of what an error says: the tool repeats what it does not understand */
function run(secret: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(javaProgram('java'), args, { timeout: 60_000 }, (error, stdout, stderr) => {
      if (!error) return resolve();
      const lines = `${stderr}${stdout}`.replaceAll(secret, '***').trim().split('\n');
      const said = lines.slice(-10).join('\n');
      reject(
        new KafkaClusterError(
          'kafka.user-failed',
          `a user cannot be added to the local Kafka cluster:\n${said}`,
        ),
      );
    });
  });
}
