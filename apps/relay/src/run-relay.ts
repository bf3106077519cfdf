import { loadConfig } from '@sever/config';
import { createKafkaRelayTarget } from '@sever/event-log-kafka';
import { WAKE_CHANNEL } from '@sever/event-log-postgres';
import { Worker, runWorker } from '@sever/event-log-transport';
import { PostgresRelayStore, Relay, RelayRunner, relayBacklog } from '@sever/log-relay';
import { listen, openDatabase, type Listener } from '@sever/postgres';
import { createLogger, createMetrics, startTracing } from '@sever/telemetry';
import { relayMetrics } from './relay-metrics.js';
import { problemsOf } from './relay-problems.js';
import { relaySettings } from './relay-settings.js';

const POLL_MS = 500;
/** Time for the batch in flight; `sever up` kills after 11 s. */
const DRAIN_MS = 8_000;

/** Starts the relay from its environment. */
export async function runRelay(): Promise<void> {
  const config = loadConfig(relaySettings);
  const stopTracing = startTracing({ process: 'relay', otlpEndpoint: config.otlpEndpoint });
  const logger = createLogger('relay', config.logLevel);
  const registry = createMetrics('relay');
  const dataSource = await openDatabase({
    url: config.databaseUrl,
    applicationName: 'relay',
    poolMax: 4,
  });
  const leaseMs = config.leaseSeconds * 1_000;
  const store = new PostgresRelayStore(dataSource, { leaseMs });
  const target = createKafkaRelayTarget(config);
  const relay = new Relay(store, target, (partition, from, targetEnd) => {
    metrics.rewound();
    logger.error(
      { partition, acknowledged: String(from), found: String(targetEnd) },
      'Kafka has lost acknowledged records of this partition; it is forwarded again from the beginning',
    );
  });
  const runner = new RelayRunner({
    ...{ relay, store, leaseMs, pollMs: POLL_MS },
    onForwarded: records => metrics.forwarded(records),
    onError: error => {
      metrics.failed();
      logger.warn({ err: error }, 'the relay tries again');
    },
  });
  const metrics = relayMetrics(
    registry,
    () => relayBacklog(dataSource),
    () => runner.state().active,
  );
  let listener: Listener | undefined;
  const worker = new Worker(
    'relay',
    registry,
    () => {
      listener = listen({
        url: config.databaseUrl,
        channels: [WAKE_CHANNEL],
        applicationName: 'relay-listen',
        presence: store.presence,
        onWake: () => runner.wake(),
        onError: error => logger.warn({ err: error }, 'the relay polls until it can listen again'),
      });
      runner.start();
      return Promise.resolve();
    },
    () => runner.stop(DRAIN_MS),
    () => Promise.resolve(problemsOf(runner.state())),
    async () => {
      await listener?.close();
      await target.close();
      await dataSource.destroy();
      await stopTracing();
    },
  );
  await runWorker(worker, { host: config.host, port: config.port, logger });
}
