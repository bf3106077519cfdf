import type { ConnectorDefinition } from '@sever/connector-sdk';
import { loadConfig } from '@sever/config';
import { Worker, crash, runWorker } from '@sever/event-log-transport';
import { createSubjectKeys, openKeyFolder } from '@sever/subject-keys';
import { createLogger, createMetrics, startTracing } from '@sever/telemetry';
import { ConnectorInstance } from './connector-instance.js';
import { connectorSettings } from './connector-settings.js';
import { InstanceMetrics } from './instance-metrics.js';

/** Runs a connector app: every configured instance of its system, in one process. */
export async function runConnector<S>(definition: ConnectorDefinition<S>): Promise<void> {
  const config = loadConfig(connectorSettings);
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
