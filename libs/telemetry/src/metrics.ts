import { Registry, collectDefaultMetrics } from 'prom-client';

/** Prometheus registry of this process, with the runtime's own metrics and the process name as a label. */
export function createMetrics(process: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ process });
  collectDefaultMetrics({ register: registry });
  return registry;
}
