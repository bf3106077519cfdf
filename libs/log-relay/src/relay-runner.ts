import type { Relay, Step } from './relay.js';
import type { RelayStore } from './relay-store.js';

export type RelayRunnerOptions = {
  relay: Relay;
  store: Pick<RelayStore, 'renew' | 'release'>;
  /** How long the lease lasts, in milliseconds; renewed three times in that time. */
  leaseMs: number;
  /** Longest pause between looks when nobody woke us, in milliseconds. */
  pollMs: number;
  onForwarded?: (records: number) => void;
  onError: (error: unknown) => void;
};

const BACKOFF_FIRST_MS = 100;
const BACKOFF_MAX_MS = 2_000;

/** Turns the steps of a relay into a process: waits, backs off, keeps the lease, stops in order. */
export class RelayRunner {
  private stopping = false;
  private woken: (() => void) | undefined;
  private hasNews = false;
  private running: Promise<void> | undefined;
  private renewal: NodeJS.Timeout | undefined;
  private leaseUntil = 0;
  private failingSince: number | undefined;
  private lastError: string | undefined;
  private lastStep: Step['kind'] | undefined;

  constructor(private readonly o: RelayRunnerOptions) {}

  start(): void {
    this.leaseUntil = performance.now() + this.o.leaseMs;
    this.renewal = setInterval(() => void this.renew(), this.o.leaseMs / 3);
    this.running = this.run();
  }

  /** Something was appended. */
  wake(): void {
    this.hasNews = true;
    this.woken?.();
  }

  /** Finishes the batch in flight, at most `drainMs`; what is not acknowledged by then is sent again by the next relay. */
  async stop(drainMs: number): Promise<void> {
    this.stopping = true;
    this.wake();
    const giveUp = new Promise(resolve => setTimeout(resolve, drainMs).unref());
    await Promise.race([this.running, giveUp]);
    clearInterval(this.renewal);
    const { epoch } = this.o.relay;
    if (epoch !== undefined) await this.o.store.release(epoch).catch(this.o.onError);
  }

  /** For readiness and metrics. `failingMs` is 0 while steps succeed. */
  state(): { active: boolean; hasLooked: boolean; failingMs: number; lastError: string | undefined } {
    return {
      active: this.o.relay.epoch !== undefined,
      hasLooked: this.lastStep !== undefined,
      failingMs: this.failingSince === undefined ? 0 : performance.now() - this.failingSince,
      lastError: this.lastError,
    };
  }

  private async run(): Promise<void> {
    let failures = 0;
    while (!this.stopping) {
      this.hasNews = false;
      const step = await this.oneStep();
      failures = step ? 0 : failures + 1;
      if (step?.kind === 'forwarded') this.o.onForwarded?.(step.records);
      else if (step?.kind === 'idle' || step?.kind === 'standby') await this.pause(this.o.pollMs, true);
      else if (!step) await this.pause(Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** failures), false);
    }
  }

  /** Undefined when the step failed. */
  private async oneStep(): Promise<Step | undefined> {
    const hadLease = this.o.relay.epoch !== undefined;
    // By our own clock: a process that slept must not send before it has asked.
    if (hadLease && performance.now() > this.leaseUntil) this.o.relay.dropLease();
    const asked = performance.now();
    try {
      const step = await this.o.relay.step();
      if (!hadLease && this.o.relay.epoch !== undefined) this.leaseUntil = asked + this.o.leaseMs;
      this.lastStep = step.kind;
      this.failingSince = undefined;
      this.lastError = undefined;
      return step;
    } catch (error) {
      this.failingSince ??= asked;
      this.lastError = error instanceof Error ? error.message : String(error);
      if (!this.stopping) this.o.onError(error);
      return undefined;
    }
  }

  private async renew(): Promise<void> {
    const { epoch } = this.o.relay;
    if (epoch === undefined) return;
    const asked = performance.now();
    try {
      const kept = await this.o.store.renew(epoch);
      if (this.o.relay.epoch !== epoch) return;
      if (kept) this.leaseUntil = asked + this.o.leaseMs;
      else this.o.relay.dropLease();
    } catch (error) {
      this.o.onError(error);
    }
  }

  private pause(ms: number, wakeable: boolean): Promise<void> {
    if (this.stopping || (wakeable && this.hasNews)) return Promise.resolve();
    return new Promise(resolve => {
      const timer = setTimeout(done, ms);
      const stop = (): boolean => this.stopping;
      this.woken = () => {
        if (wakeable || stop()) done();
      };
      function done(): void {
        clearTimeout(timer);
        resolve();
      }
    });
  }
}
