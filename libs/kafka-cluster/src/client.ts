import kafkajs, { type Admin, type KafkaConfig } from 'kafkajs';
import type { Credential } from './security/credentials.js';

/** How to reach the brokers: address, and with security the authority to trust and who one is. */
export type ClientAccess = {
  brokers: readonly string[];
  ca?: string;
  credential?: Credential;
};

/** Settings of kafkajs for an access. */
export const clientConfig = (access: ClientAccess): KafkaConfig => ({
  clientId: 'sever-kafka-cluster',
  brokers: [...access.brokers],
  connectionTimeout: 2_000,
  requestTimeout: 5_000,
  retry: { retries: 0 },
  logLevel: kafkajs.logLevel.NOTHING,
  ...(access.ca !== undefined && { ssl: { ca: [access.ca] } }),
  ...(access.credential && { sasl: { mechanism: 'scram-sha-512' as const, ...access.credential } }),
});

/** Runs one piece of administration on a connection of its own. */
export async function withAdmin<T>(access: ClientAccess, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new kafkajs.Kafka(clientConfig(access)).admin();
  try {
    await admin.connect();
    return await work(admin);
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}
