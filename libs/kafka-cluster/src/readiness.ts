import { setTimeout as sleep } from 'node:timers/promises';
import { withAdmin, type ClientAccess } from './client.js';
import { KafkaClusterError } from './kafka-cluster-error.js';
import { membersKnownTo } from './known-members.js';
import { OFFSETS_PARTITIONS } from './node/server-properties.js';

const TIMEOUT_MS = 90_000;
const POLL_MS = 150;

/**
 * Groups that between them touch every partition of the topic that holds the groups: the hash of a one-letter name is
 * the letter's code, so neighbouring letters fall into neighbouring partitions.
 */
const PROBE_GROUPS = Array.from({ length: OFFSETS_PARTITIONS }, (_, i) => String.fromCharCode(97 + i));

/**
 * Waits until the cluster does its work: this many brokers and a controller in the metadata, and group coordinators that have
 * loaded. An open port is none of that: a fresh broker refuses groups for seconds.
 * @param alive throws when waiting is pointless, for example because a broker ended
 * @throws KafkaClusterError `kafka.not-ready` with what was still missing
 */
export async function untilReady(access: ClientAccess, brokers: number, alive: () => void): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MS;
  let missing = await whatIsMissing(access, brokers);
  while (missing !== undefined) {
    alive();
    if (Date.now() > deadline)
      throw new KafkaClusterError(
        'kafka.not-ready',
        `the Kafka cluster ${access.brokers.join(',')} was not ready within ${TIMEOUT_MS / 1_000} s: ${missing}`,
      );
    await sleep(POLL_MS);
    missing = await whatIsMissing(access, brokers);
  }
}

/**
 * Waits until one broker answers and says that it is part of the cluster, whatever the others do, for as long as its process lives.
 * Others may list it under the registration that it had before.
 * @param alone how to reach this broker and no other
 * @param alive throws when the broker has ended
 */
export async function untilJoined(alone: ClientAccess, nodeId: number, alive: () => void): Promise<void> {
  const hasJoined = (): Promise<boolean> =>
    membersKnownTo(alone).then(
      members => members.includes(nodeId),
      () => false,
    );
  while (!(await hasJoined())) {
    alive();
    await sleep(POLL_MS);
  }
}

async function whatIsMissing(access: ClientAccess, brokers: number): Promise<string | undefined> {
  try {
    return await withAdmin(access, async admin => {
      const cluster = await admin.describeCluster();
      if (cluster.brokers.length < brokers)
        return `${cluster.brokers.length} of ${brokers} brokers have joined`;
      if (cluster.controller === null) return 'there is no controller';
      await admin.describeGroups(PROBE_GROUPS);
      return undefined;
    });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
