export {
  connectEventLog,
  eventLogSettings,
  type EventLogSettings,
  type Subscription,
} from './connect-event-log.js';
export { EventLogContext } from './event-log-context.js';
export { EventLogServer, type EventLogServerOptions } from './event-log-server.js';
export { KeyedDispatcher, type DispatcherOptions } from './keyed-dispatcher.js';
export { OffsetLedger } from './offset-ledger.js';
export { crash, runWorker, workerSettings } from './worker/run-worker.js';
export { Worker } from './worker/worker.js';
export { TransactionalConsumer, type TransactionalConsumerOptions } from './transactional-consumer.js';
export { UnchangedErrors } from './unchanged-errors.js';
