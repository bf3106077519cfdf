import type { AclEntry } from 'kafkajs';
import { createKafkaClient } from './kafka-client.js';
import type { KafkaConnection } from './kafka-settings.js';

/** Grants access rules as the user of the connection, who must be an administrator. Rejects with what the brokers said. */
export async function grantOnKafka(connection: KafkaConnection, rules: readonly AclEntry[]): Promise<void> {
  const admin = createKafkaClient(connection, 'sever-setup').admin();
  try {
    await admin.connect();
    await admin.createAcls({ acl: [...rules] });
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}
