import { setting } from '@sever/config';
import { eventLogSettings, workerSettings } from '@sever/event-log-transport';
import { z } from 'zod';

const instancesSchema = z
  .string()
  .transform((text, ctx): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      ctx.addIssue({ code: 'custom', message: 'must be JSON' });
      return z.NEVER;
    }
  })
  .pipe(
    z
      .array(
        z.object({
          id: z.string().min(1),
          databaseUrl: z.string().min(1),
          /** The instance's own user on Kafka: it may read requests in its own group and nothing else. */
          kafkaUser: z.string().min(1).optional(),
          kafkaPassword: z.string().min(1).optional(),
        }),
      )
      .min(1),
  );

/** Everything a connector app reads from its environment. */
export const connectorSettings = {
  ...workerSettings,
  ...eventLogSettings,
  keysDir: setting('SEVER_KEYS_DIR', 'folder of the key-encryption keys', z.string().min(1)),
  instances: setting(
    'SEVER_INSTANCES',
    'JSON array of { id, databaseUrl, kafkaUser?, kafkaPassword? }: the instances this process runs',
    instancesSchema,
    { secret: true },
  ),
};
