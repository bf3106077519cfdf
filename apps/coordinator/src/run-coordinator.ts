import { loadConfig } from '@sever/config';
import { ContractError } from '@sever/event-contracts';
import { EventLogError } from '@sever/event-log';
import { createPostgresEventLogWriter } from '@sever/event-log-postgres';
import { TransactionalConsumer, Worker, connectEventLog, crash, runWorker } from '@sever/event-log-transport';
import { openDatabase } from '@sever/postgres';
import { createLogger, createMetrics, startTracing } from '@sever/telemetry';
import { Counter, Gauge } from 'prom-client';
import { coordinateBatch } from './coordinate.js';
import { coordinatorSettings } from './coordinator-settings.js';
import { DueTimer } from './due-timer.js';

/** A batch that does not finish for this long is a reason not to be ready, in milliseconds. */
const STUCK_MS = 60_000;
/** Decisions follow facts of several systems: a little later they are made for more people at once. In milliseconds. */
const LINGER_MS = 20;

/** Starts the coordinator from its environment. */
export async function runCoordinator(): Promise<void> {
  const config = loadConfig(coordinatorSettings);
  const stopTracing = startTracing({ process: 'coordinator', otlpEndpoint: config.otlpEndpoint });
  const logger = createLogger('coordinator', config.logLevel);
  const metrics = createMetrics('coordinator');
  const decided = new Counter({
    name: 'sever_decisions_total',
    help: 'Decisions of the coordinator',
    registers: [metrics],
  });
  const dataSource = await openDatabase({
    url: config.databaseUrl,
    applicationName: 'coordinator',
    poolMax: 6,
  });
  const onError = (error: unknown): void => logger.warn({ err: error }, 'the coordinator tries again');
  const o = { writer: createPostgresEventLogWriter(dataSource), reverifyAfterSeconds: config.reverify };
  const timer = new DueTimer(dataSource, o, () => o.writer.wake(), onError);
  const consumer = new TransactionalConsumer({
    name: 'coordinator',
    topics: ['requests', 'outcomes'],
    consumer: connectEventLog({
      settings: config,
      dataSource,
      databaseUrl: config.databaseUrl,
      applicationName: 'coordinator-listen',
      lingerMs: LINGER_MS,
      onError,
    }),
    dataSource,
    handleBatch: async (em, records) => {
      decided.inc(await coordinateBatch(em, records, o));
    },
    onCommitted: () => {
      o.writer.wake();
      timer.replan().catch(onError);
    },
    isFatal: error =>
      error instanceof ContractError ||
      (error instanceof EventLogError && error.code === 'log.event-conflict'),
    onFatal: error => crash(logger, error),
    onError,
    batchRecords: 500,
  });
  new Gauge({
    name: 'sever_consumer_lag_records',
    help: 'Records of the log that are not coordinated',
    registers: [metrics],
    async collect() {
      this.set(await consumer.lag().catch(() => Number.NaN));
    },
  });
  const worker = new Worker(
    'coordinator',
    metrics,
    async () => {
      await consumer.start();
      timer.start();
    },
    async () => {
      await timer.stop();
      await consumer.stop();
    },
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
