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

/** Users of the brokers: the administrator, the processes that read or write the whole log, and one per instance. */
export const kafkaUsers = (instances: readonly { id: string }[]): string[] => [
  'admin',
  'relay',
  'coordinator',
  'projector',
  ...instances.map(i => `connector-${i.id}`),
];
