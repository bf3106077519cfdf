import { durationSeconds, postgresUrl, setting } from '@sever/config';
import { eventLogSettings, workerSettings } from '@sever/event-log-transport';
import { z } from 'zod';

/** Everything the coordinator reads from its environment. */
export const coordinatorSettings = {
  ...workerSettings,
  ...eventLogSettings,
  databaseUrl: setting('DATABASE_URL', 'the database, as the role of the coordinator', postgresUrl, {
    secret: true,
  }),
  reverify: setting(
    'SEVER_REVERIFY',
    'times after the close at which everything is observed again, such as 1h,1d,30d',
    z
      .string()
      .default('1h,1d,30d')
      .transform(text => text.split(',').filter(Boolean))
      .pipe(z.array(durationSeconds)),
  ),
};
