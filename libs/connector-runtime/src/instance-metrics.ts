import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Prometheus metrics of the instances of one process. */
export class InstanceMetrics {
  readonly outcomes: Counter<'connector' | 'type'>;
  readonly calls: Histogram<'connector' | 'step' | 'phase'>;
  readonly firstCall: Histogram<'connector'>;
  readonly work: Gauge<'connector' | 'state'>;
  readonly breakerOpen: Gauge<'connector'>;

  constructor(registers: Registry[]) {
    this.outcomes = new Counter({
      name: 'sever_outcomes_total',
      help: 'Outcome events by type',
      labelNames: ['connector', 'type'],
      registers,
    });
    this.calls = new Histogram({
      name: 'sever_connector_call_seconds',
      help: 'Duration of one phase of one step',
      labelNames: ['connector', 'step', 'phase'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15],
      registers,
    });
    this.firstCall = new Histogram({
      name: 'sever_request_to_first_call_seconds',
      help: 'From the time of the request to the first call downstream',
      labelNames: ['connector'],
      buckets: [0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300],
      registers,
    });
    this.work = new Gauge({
      name: 'sever_connector_work',
      help: 'Pieces of work by state',
      labelNames: ['connector', 'state'],
      registers,
    });
    this.breakerOpen = new Gauge({
      name: 'sever_connector_breaker_open',
      help: '1 while the breaker is open',
      labelNames: ['connector'],
      registers,
    });
  }
}
