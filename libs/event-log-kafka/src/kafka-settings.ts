import { setting, type ConfigOf } from '@sever/config';
import { z } from 'zod';

/** `host:port,host:port` -> addresses. */
const brokerList = z
  .string()
  .regex(/^[^\s,:]+:[0-9]+(,[^\s,:]+:[0-9]+)*$/, 'must be host:port, several separated by commas')
  .transform(text => text.split(','));

/** How to reach Kafka. With a user name the connection is SASL/SCRAM-SHA-512 and needs TLS. */
export const kafkaSettings = {
  kafkaBrokers: setting(
    'KAFKA_BROKERS',
    'addresses of the brokers, host:port separated by commas',
    brokerList,
  ),
  kafkaCaFile: setting(
    'KAFKA_CA_FILE',
    'certificate (PEM) of the authority that signed the brokers; without it the connection is not encrypted',
    z.string().min(1).optional(),
  ),
  kafkaUser: setting('KAFKA_USERNAME', 'user on the brokers', z.string().min(1).optional()),
  kafkaPassword: setting('KAFKA_PASSWORD', 'password of that user', z.string().min(1).optional(), {
    secret: true,
  }),
};

export type KafkaConnection = ConfigOf<typeof kafkaSettings>;
