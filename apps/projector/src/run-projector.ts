import { loadConfig } from '@sever/config';
import { AuditError } from '@sever/audit-store';
import { ContractError } from '@sever/event-contracts';
import { TransactionalConsumer, Worker, connectEventLog, crash, runWorker } from '@sever/event-log-transport';
import { openDatabase } from '@sever/postgres';
import { PROJECTOR_LANES, projectBatch } from '@sever/projection';
import { createLogger, createMetrics, startTracing } from '@sever/telemetry';
import { Counter, Gauge } from 'prom-client';
import { projectorSettings } from './projector-settings.js';

/** A batch that does not finish for this long is a reason not to be ready, in milliseconds. */
const STUCK_MS = 60_000;
/** Read models may be this much older, in milliseconds; requests and calls then come first on a small machine. */
const LINGER_MS = 100;

/** Starts the projector from its environment. */
export async function runProjector(): Promise<void> {
  const config = loadConfig(projectorSettings);
  const stopTracing = startTracing({ process: 'projector', otlpEndpoint: config.otlpEndpoint });
  const logger = createLogger('projector', config.logLevel);
  const metrics = createMetrics('projector');
  const projected = new Counter({
    name: 'sever_projected_events_total',
    help: 'Events in the read models and the audit stream',
    registers: [metrics],
  });
  const dataSource = await openDatabase({
    url: config.databaseUrl,
    applicationName: 'projector',
    poolMax: 3 + PROJECTOR_LANES,
  });
  const onError = (error: unknown): void => logger.warn({ err: error }, 'the projector tries again');
  const consumer = new TransactionalConsumer({
    name: 'projector',
    topics: ['requests', 'outcomes'],
    consumer: connectEventLog({
      settings: config,
      dataSource,
      databaseUrl: config.databaseUrl,
      applicationName: 'projector-listen',
      lingerMs: LINGER_MS,
      onError,
    }),
    dataSource,
    handleBatch: projectBatch,
    lanes: PROJECTOR_LANES,
    onCommitted: records => projected.inc(records.length),
    // An event that cannot be read or differs from the log stops the projector: skipping it would falsify the audit.
    isFatal: error => error instanceof ContractError || error instanceof AuditError,
    onFatal: error => crash(logger, error),
    onError,
  });
  new Gauge({
    name: 'sever_consumer_lag_records',
    help: 'Records of the log that are not projected',
    registers: [metrics],
    async collect() {
      this.set(await consumer.lag().catch(() => Number.NaN));
    },
  });
  const worker = new Worker(
    'projector',
    metrics,
    () => consumer.start(),
    () => consumer.stop(),
    () => Promise.resolve(problemsOf(consumer)),
    async () => {
      await dataSource.destroy();
      await stopTracing();
    },
  );
  await runWorker(worker, { host: config.host, port: config.port, logger });
}

function problemsOf(consumer: TransactionalConsumer): Record<string, string> {
  return consumer.progress().stuckMs > STUCK_MS ? { progress: 'a batch does not finish' } : {};
}
