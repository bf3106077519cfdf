import { brokerClassPath } from '../jars/broker-jars.js';
import type { KafkaCluster } from '../kafka-cluster.js';
import type { Credential } from '../security/credentials.js';
import { registerUser } from '../security/register-user.js';

/** Lets a user of a running secured cluster also prove itself by SCRAM-SHA-256, as users of other clusters do. */
export async function registerForScram256(
  cluster: KafkaCluster & { dataDir: string },
  user: Credential,
): Promise<void> {
  if (!cluster.security) throw new Error('the cluster has no users: start it with security');
  const { ca } = cluster.security;
  const access = {
    brokers: cluster.brokers.split(','),
    ca,
    credential: cluster.security.credential('admin'),
  };
  await registerUser(
    access,
    { ...user, mechanism: 'SCRAM-SHA-256' },
    cluster.dataDir,
    await brokerClassPath(),
  );
}
