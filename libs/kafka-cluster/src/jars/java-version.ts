import { spawnSync } from 'node:child_process';
import { javaProgram } from '../cluster-settings.js';
import { KafkaClusterError } from '../kafka-cluster-error.js';

/** The oldest Java that Kafka 4 runs on. */
export const JAVA_MINIMUM = 17;

/**
 * Makes sure that there is a Java that can run the broker.
 * @throws KafkaClusterError `kafka.java-missing`, `kafka.java-too-old`
 */
export function requireJava(java = javaProgram('java')): void {
  const run = spawnSync(java, ['-version'], { encoding: 'utf8', timeout: 30_000 });
  const found = run.status === 0 ? majorVersion(`${run.stderr}${run.stdout}`) : undefined;
  if (found === undefined)
    throw new KafkaClusterError(
      'kafka.java-missing',
      `a local Kafka broker needs Java ${JAVA_MINIMUM} or newer, and ${java} does not run; ` +
        `install one (a JRE is enough), put it on the PATH or set JAVA_HOME, or name brokers of your own in KAFKA_BROKERS`,
    );
  if (found < JAVA_MINIMUM)
    throw new KafkaClusterError(
      'kafka.java-too-old',
      `a local Kafka broker needs Java ${JAVA_MINIMUM} or newer, and ${java} is Java ${found}; ` +
        `install a newer one and put it first on the PATH, or set JAVA_HOME to it`,
    );
}

/** `17` of `openjdk version "17.0.15"`, `8` of `java version "1.8.0_402"`. */
export function majorVersion(text: string): number | undefined {
  const match = /version "(?:1\.)?([0-9]+)/.exec(text);
  return match ? Number(match[1]) : undefined;
}
