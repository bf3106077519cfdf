import { readFileSync } from 'node:fs';
import { ConfigError } from '@sever/config';
import { EventLogError } from '@sever/event-log';
import kafkajs, { type Kafka, type KafkaConfig } from 'kafkajs';
import type { KafkaConnection } from './kafka-settings.js';
import { patchMembership } from './membership-patch.js';
import { patchRequestQueue } from './request-queue-patch.js';

/** A client of the configured brokers. Its own log is off: what matters is in the errors that it rejects with. */
export function createKafkaClient(
  connection: KafkaConnection,
  clientId: string,
  over: Pick<KafkaConfig, 'socketFactory' | 'requestTimeout'> = {},
): Kafka {
  patchRequestQueue();
  patchMembership();
  const { kafkaBrokers, kafkaCaFile, kafkaUser, kafkaPassword } = connection;
  if (kafkaUser !== undefined && (kafkaPassword === undefined || kafkaCaFile === undefined))
    throw new ConfigError(['KAFKA_USERNAME is set: then KAFKA_PASSWORD and KAFKA_CA_FILE must be']);
  return new kafkajs.Kafka({
    clientId,
    brokers: kafkaBrokers,
    connectionTimeout: 3_000,
    authenticationTimeout: 5_000,
    requestTimeout: 15_000,
    logLevel: kafkajs.logLevel.NOTHING,
    ...(kafkaCaFile !== undefined && { ssl: { ca: [readFileSync(kafkaCaFile, 'utf8')] } }),
    ...(kafkaUser !== undefined &&
      kafkaPassword !== undefined && {
        sasl: { mechanism: 'scram-sha-512' as const, username: kafkaUser, password: kafkaPassword },
      }),
    ...over,
  });
}

/** The error of a call to Kafka that may work when it is done again. */
export function unavailable(what: string, error: unknown): EventLogError {
  const cause = error instanceof Error ? error.message : String(error);
  return new EventLogError('log.unavailable', `${what}: ${cause}`, { cause: error });
}
