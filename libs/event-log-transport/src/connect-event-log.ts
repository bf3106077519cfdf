import { ConfigError, setting, type ConfigOf } from '@sever/config';
import type { EventLogConsumer } from '@sever/event-log';
import { createKafkaEventLogConsumer, kafkaSettings } from '@sever/event-log-kafka';
import { createPostgresEventLogConsumer } from '@sever/event-log-postgres';
import type { DataSource } from 'typeorm';
import { z } from 'zod';

const { kafkaBrokers, ...kafkaRest } = kafkaSettings;

/** Which subscription the consumers read, and how to reach it. */
export const eventLogSettings = {
  profile: setting(
    'SEVER_PROFILE',
    'which log the consumers read: embedded (PostgreSQL) or kafka',
    z.enum(['embedded', 'kafka']).default('embedded'),
  ),
  ...kafkaRest,
  kafkaBrokers: setting(
    kafkaBrokers.env,
    `${kafkaBrokers.text}; profile kafka only`,
    kafkaBrokers.schema.optional(),
  ),
};

export type EventLogSettings = ConfigOf<typeof eventLogSettings>;

export type Subscription = {
  settings: EventLogSettings;
  dataSource: DataSource;
  /** Address of the database for LISTEN. */
  databaseUrl: string;
  applicationName: string;
  /** Wait after news, in milliseconds, for readers that nobody waits for. */
  lingerMs?: number;
  onError?: (error: unknown) => void;
};

/**
 * The subscription of the configured profile; apps never name an adapter.
 * @throws ConfigError when the profile is kafka and no broker is named
 */
export function connectEventLog(s: Subscription): EventLogConsumer {
  const onError = s.onError && { onError: s.onError };
  if (s.settings.profile === 'embedded')
    return createPostgresEventLogConsumer({
      dataSource: s.dataSource,
      listenUrl: s.databaseUrl,
      applicationName: s.applicationName,
      ...(s.lingerMs !== undefined && { lingerMs: s.lingerMs }),
      ...onError,
    });
  if (!s.settings.kafkaBrokers)
    throw new ConfigError([
      `${kafkaBrokers.env} (${kafkaBrokers.text}): is not set, and SEVER_PROFILE is kafka`,
    ]);
  return createKafkaEventLogConsumer({
    connection: { ...s.settings, kafkaBrokers: s.settings.kafkaBrokers },
    clientId: s.applicationName,
    ...onError,
  });
}
