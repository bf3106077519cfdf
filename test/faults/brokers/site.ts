import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../harness/clients.js';
import type { Pipeline } from '../../harness/pipeline.js';
import type { ObservingReader } from '../history/pipeline/readers.js';
import { Roles } from './roles.js';

const TOPICS = ['requests', 'outcomes'];
const BACK_MS = 180_000;

/** Where faults happen: a pipeline, its brokers, and how to find and hurt its processes. */
export class Site {
  readonly roles: Roles;

  constructor(
    readonly pipeline: Pipeline,
    /** A further member of the test's own group. */
    readonly join: (member: string) => Promise<ObservingReader>,
  ) {
    this.roles = new Roles((pipeline.ready.kafkaBrokers ?? '').split(','));
  }

  pidOf(name: string): number {
    const pid = this.pipeline.current().processes.find(p => p.name === name)?.pid;
    if (pid === undefined) throw new Error(`${name} does not run`);
    return pid;
  }

  signal(name: string, signal: NodeJS.Signals): void {
    process.kill(this.pidOf(name), signal);
  }

  /** Ends a process with a signal, and waits until its successor is healthy. */
  async replace(name: string, signal: NodeJS.Signals): Promise<void> {
    const before = this.pidOf(name);
    process.kill(before, signal);
    await this.successorOf(name, before);
  }

  successorOf(name: string, before: number): Promise<unknown> {
    return eventually(`another ${name}`, () => Promise.resolve(this.pidOf(name) !== before), BACK_MS, 200);
  }

  /** Freezes a process and lets it go on. `meanwhile` begins at once; it proves that the process was missed. */
  async freeze(name: string, ms: number, meanwhile: () => Promise<unknown>): Promise<void> {
    const pid = this.pidOf(name);
    process.kill(pid, 'SIGSTOP');
    try {
      await Promise.all([sleep(ms), meanwhile()]);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  }

  /** Waits until all brokers are there and hold every record. */
  async wholeCluster(): Promise<void> {
    await eventually('all brokers with all copies', () => this.roles.isWhole(TOPICS), BACK_MS, 500);
  }
}
