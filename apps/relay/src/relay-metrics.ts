import type { RelayBacklog } from '@sever/log-relay';
import { Counter, Gauge, type Registry } from 'prom-client';

/** What the relay counts. */
export type RelayMetrics = {
  forwarded(records: number): void;
  failed(): void;
  rewound(): void;
};

/** Registers the metrics; the backlog is asked for at every scrape. */
export function relayMetrics(
  registry: Registry,
  backlog: () => Promise<RelayBacklog>,
  isActive: () => boolean,
): RelayMetrics {
  const registers = [registry];
  const forwarded = new Counter({
    name: 'sever_relayed_records_total',
    help: 'Records that Kafka acknowledged',
    registers,
  });
  const failed = new Counter({
    name: 'sever_relay_failures_total',
    help: 'Steps of the relay that failed and are done again',
    registers,
  });
  const rewound = new Counter({
    name: 'sever_relay_rewound_partitions_total',
    help: 'Partitions that are forwarded again from the beginning because Kafka had lost acknowledged records',
    registers,
  });
  new Gauge({
    name: 'sever_relay_oldest_unforwarded_seconds',
    help: 'Age of the oldest record of the log that Kafka does not have',
    registers,
    async collect() {
      this.set((await backlog().catch(() => unknownBacklog)).oldestSeconds);
    },
  });
  new Gauge({
    name: 'sever_relay_lag_records',
    help: 'Records of the log that Kafka does not have',
    registers,
    async collect() {
      this.set((await backlog().catch(() => unknownBacklog)).records);
    },
  });
  new Gauge({
    name: 'sever_relay_active',
    help: '1 for the relay that holds the lease, 0 for one that stands by',
    registers,
    collect() {
      this.set(isActive() ? 1 : 0);
    },
  });
  return {
    forwarded: records => forwarded.inc(records),
    failed: () => failed.inc(),
    rewound: () => rewound.inc(),
  };
}

const unknownBacklog: RelayBacklog = { records: Number.NaN, oldestSeconds: Number.NaN };
