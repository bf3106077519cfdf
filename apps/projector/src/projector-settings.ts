import { postgresUrl, setting } from '@sever/config';
import { eventLogSettings, workerSettings } from '@sever/event-log-transport';

/** Everything the projector reads from its environment. */
export const projectorSettings = {
  ...workerSettings,
  ...eventLogSettings,
  databaseUrl: setting('DATABASE_URL', 'the database, as the role of the projector', postgresUrl, {
    secret: true,
  }),
};
