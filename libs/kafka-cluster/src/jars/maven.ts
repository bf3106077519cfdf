import { spawn } from 'node:child_process';
import path from 'node:path';
import { KafkaClusterError } from '../kafka-cluster-error.js';

const POM_FILE = path.resolve(import.meta.dirname, '../../pom.xml');
const COPY_GOAL = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
const LINES_KEPT = 15;
const TIMEOUT_MS = 600_000;

/**
 * Lets Maven copy the jars of `pom.xml` into a folder, with the mirrors and proxies of the user's Maven settings.
 * @throws KafkaClusterError `kafka.maven-missing`, `kafka.maven-failed` with Maven's last lines
 */
export function downloadJars(folder: string, mvn = 'mvn'): Promise<void> {
  const args = [
    '-B',
    '-q',
    '-f',
    POM_FILE,
    COPY_GOAL,
    '-DincludeScope=runtime',
    `-DoutputDirectory=${folder}`,
  ];
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  // The POM's own folder must stay free of build output.
  const child = spawn(mvn, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: path.dirname(folder),
    // Not `timeout`: its timer outlives a program that could not be started, and holds the process for ten minutes.
    signal: limit,
  });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      lines.push(...chunk.split('\n').filter(Boolean));
      lines.splice(0, lines.length - LINES_KEPT);
    });
  return new Promise((resolve, reject) => {
    child.once('error', () =>
      reject(
        limit.aborted ? new KafkaClusterError('kafka.maven-failed', failure(null, lines)) : missing(mvn),
      ),
    );
    child.once('close', code => {
      if (code === 0) resolve();
      else reject(new KafkaClusterError('kafka.maven-failed', failure(code, lines)));
    });
  });
}

const missing = (mvn: string): KafkaClusterError =>
  new KafkaClusterError(
    'kafka.maven-missing',
    `the jars of Kafka are not on this machine yet and Maven (${mvn}) does not run; install Maven and put it on the PATH, ` +
      'or name a folder that holds the jars in SEVER_KAFKA_JARS, or name brokers of your own in KAFKA_BROKERS',
  );

const failure = (code: number | null, lines: readonly string[]): string =>
  `Maven could not fetch the jars of Kafka (${code ?? 'killed'}); check the network and ~/.m2/settings.xml. It said:\n${lines.join('\n')}`;
