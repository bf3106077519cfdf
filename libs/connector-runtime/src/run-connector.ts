import type { ConnectorDefinition } from '@sever/connector-sdk';
import { loadConfig, setting } from '@sever/config';
import { Worker, crash, eventLogSettings, runWorker, workerSettings } from '@sever/event-log-transport';
import { createSubjectKeys, openKeyFolder } from '@sever/subject-keys';
import { createLogger, createMetrics, startTracing } from '@sever/telemetry';
import { z } from 'zod';
import { ConnectorInstance } from './connector-instance.js';
import { InstanceMetrics } from './instance-metrics.js';

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

const settings = {
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

/** Runs a connector app: every configured instance of its system, in one process. */
export async function runConnector<S>(definition: ConnectorDefinition<S>): Promise<void> {
  const config = loadConfig(settings);
  const name = `connector-${definition.manifest.system}`;
  const stopTracing = startTracing({ process: name, otlpEndpoint: config.otlpEndpoint });
  const logger = createLogger(name, config.logLevel);
  const registry = createMetrics(name);
  const metrics = new InstanceMetrics([registry]);
  const keys = createSubjectKeys(openKeyFolder(config.keysDir));
  const instances = await Promise.all(
    config.instances.map(({ id, databaseUrl, ...kafka }) =>
      ConnectorInstance.open({
        definition,
        instance: id,
        databaseUrl,
        settings: { ...config, ...(kafka.kafkaUser !== undefined && kafka) },
        keys,
        metrics,
        logger,
        onFatal: error => crash(logger, error),
      }),
    ),
  );
  const worker = new Worker(
    name,
    registry,
    async () => {
      for (const instance of instances) await instance.start();
    },
    async () => {
      await Promise.all(instances.map(instance => instance.stop()));
    },
    // A target that is away is no fault of this process: it is ready to go on when it is back.
    () => Promise.resolve({}),
    async () => {
      await Promise.all(instances.map(instance => instance.release()));
      await stopTracing();
    },
  );
  await runWorker(worker, { host: config.host, port: config.port, logger });
}
