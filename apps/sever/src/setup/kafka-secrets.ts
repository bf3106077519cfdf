import { pipelineUsers } from '@sever/kafka-cluster';

/** The one name that the brokers present to each other; no client has it. */
export const BROKER_NAME = 'sever-broker';
/** Host names of the brokers in `deploy/compose.yaml`. */
export const BROKERS = ['kafka-1', 'kafka-2', 'kafka-3'] as const;

/** File names of Kafka's secrets in a secrets folder. */
export const KAFKA_SECRET = {
  ca: 'kafka-ca.pem',
  broker: 'kafka-broker.pem',
  clusterId: 'kafka-cluster-id',
  password: (user: string): string => `kafka-${user}-password`,
} as const;

/** Users of the brokers: the administrator and everybody with access rules. */
export const kafkaUsers = (instances: readonly { id: string }[]): string[] => [
  'admin',
  ...pipelineUsers(instances.map(i => i.id)).map(u => u.name),
];
