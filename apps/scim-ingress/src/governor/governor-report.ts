import { sourceKey, type GovernedSource } from '@sever/directory';
import type { Guard } from '@sever/event-contracts';
import type { Logger } from '@sever/telemetry';
import { Counter, type Registry } from 'prom-client';

/** How often a storm of one source is told in the log of the process. */
const TOLD_EVERY_MS = 60_000;

/** Tells operators that the governor holds opt-outs: a counter for alerts, and a line a minute for whoever reads logs. */
export class GovernorReport {
  private readonly counter: Counter<'tenant' | 'rule'>;
  private readonly told = new Map<string, number>();

  constructor(
    metrics: Registry,
    private readonly logger: Logger,
  ) {
    this.counter = new Counter({
      name: 'sever_governor_held_total',
      help: 'opt-outs that the governor held for a person to look at, by tenant and rule',
      labelNames: ['tenant', 'rule'],
      registers: [metrics],
    });
  }

  /** An opt-out of this source is held. */
  held(governed: GovernedSource, guard: Guard): void {
    const { tenant, source } = governed;
    this.counter.inc({ tenant, rule: guard.rule });
    const key = sourceKey(governed);
    const now = performance.now();
    if (now - (this.told.get(key) ?? -Infinity) < TOLD_EVERY_MS) return;
    this.told.set(key, now);
    this.logger.warn(
      { tenant, source, ...guard },
      'the governor holds opt-outs: look at them with sever governor, then approve or reject them',
    );
  }
}
