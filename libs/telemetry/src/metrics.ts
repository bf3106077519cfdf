import { Registry, collectDefaultMetrics } from 'prom-client';

/** Time between two samples of the event loop's delay, in milliseconds. */
const EVENT_LOOP_SAMPLE_MS = 100;

/** Prometheus registry of this process, with the runtime's own metrics and the process name as a label. */
export function createMetrics(process: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ process });
  // The default of 10 ms wakes an idle process a hundred times a second.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_SAMPLE_MS });
  return registry;
}
