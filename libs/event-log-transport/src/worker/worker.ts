import type { Registry } from 'prom-client';

/** A consumer process as its host sees it. */
export class Worker {
  constructor(
    readonly name: string,
    readonly metrics: Registry,
    /** Begins to consume; resolves when it does. */
    readonly start: () => Promise<void>,
    /** Stops intake, finishes what is in work, leaves. */
    readonly stop: () => Promise<void>,
    /** Reasons for which the process is not ready, by name; none when it is. */
    readonly problems: () => Promise<Readonly<Record<string, string>>>,
    /** Closes what the drain still needed. */
    readonly release: () => Promise<void>,
  ) {}
}
