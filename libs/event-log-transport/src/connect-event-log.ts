import { setting } from '@sever/config';
import type { EventLogConsumer } from '@sever/event-log';
import { createPostgresEventLogConsumer } from '@sever/event-log-postgres';
import type { DataSource } from 'typeorm';
import { z } from 'zod';

/** Which subscription the consumers read. */
export const eventLogSettings = {
  profile: setting('SEVER_PROFILE', 'which log the consumers read', z.enum(['embedded']).default('embedded')),
};

export type Subscription = {
  profile: 'embedded';
  dataSource: DataSource;
  /** Address of the database for LISTEN. */
  databaseUrl: string;
  applicationName: string;
  /** Wait after news, in milliseconds, for readers that nobody waits for. */
  lingerMs?: number;
  onError?: (error: unknown) => void;
};

/** The subscription of the configured profile; apps never name an adapter. */
export function connectEventLog(s: Subscription): EventLogConsumer {
  return createPostgresEventLogConsumer({
    dataSource: s.dataSource,
    listenUrl: s.databaseUrl,
    applicationName: s.applicationName,
    ...(s.lingerMs !== undefined && { lingerMs: s.lingerMs }),
    ...(s.onError && { onError: s.onError }),
  });
}
