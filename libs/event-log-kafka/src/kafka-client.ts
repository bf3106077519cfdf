import kafkajs, { type Kafka, type KafkaConfig } from 'kafkajs';
import { EventLogError } from '@sever/event-log';
import { kafkaSecurity } from './kafka-security.js';
import type { KafkaConnection } from './kafka-settings.js';
import { patchMembership } from './membership-patch.js';
import { refusal } from './refusal.js';
import { patchRequestQueue } from './request-queue-patch.js';

/**
 * A client of the configured brokers. Its own log is off: what matters is in the errors that it rejects with.
 * @throws ConfigError for settings that cannot work together, or files that cannot be used
 */
export function createKafkaClient(
  connection: KafkaConnection,
  clientId: string,
  over: Pick<KafkaConfig, 'socketFactory' | 'requestTimeout'> = {},
): Kafka {
  patchRequestQueue();
  patchMembership();
  return new kafkajs.Kafka({
    clientId,
    brokers: connection.kafkaBrokers,
    connectionTimeout: 3_000,
    authenticationTimeout: 5_000,
    requestTimeout: 15_000,
    logLevel: kafkajs.logLevel.NOTHING,
    ...kafkaSecurity(connection),
    ...over,
  });
}

/**
 * The error of a call to Kafka: `log.unavailable`, which may work when it is done again, or what the brokers or this client refused
 * (`log.unauthenticated`, `log.untrusted`).
 */
export function unavailable(what: string, error: unknown): EventLogError {
  const known = refusal(what, error);
  if (known) return known;
  const cause = error instanceof Error ? error.message : String(error);
  return new EventLogError('log.unavailable', `${what}: ${cause}`, { cause: error });
}
