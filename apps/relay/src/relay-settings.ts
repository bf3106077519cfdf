import { durationSeconds, postgresUrl, setting } from '@sever/config';
import { kafkaSettings } from '@sever/event-log-kafka';
import { workerSettings } from '@sever/event-log-transport';

/** Everything the relay reads from its environment. */
export const relaySettings = {
  ...workerSettings,
  ...kafkaSettings,
  databaseUrl: setting('DATABASE_URL', 'the database, as the role of the relay', postgresUrl, {
    secret: true,
  }),
  leaseSeconds: setting(
    'SEVER_RELAY_LEASE',
    'how long a relay that says nothing stays the active one',
    durationSeconds.default(10),
  ),
};
