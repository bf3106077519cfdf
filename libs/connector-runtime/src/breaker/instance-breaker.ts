import type { Connector, Outcome } from '@sever/connector-sdk';
import CircuitBreaker from 'opossum';
import { FailureWindow, MALFORMED_WINDOW } from './failure-window.js';

export type BreakerHooks = {
  /** The breaker opened: intake stops. Stored and announced by the owner. */
  onOpen: (cause: string) => Promise<void>;
  /** The target answers again: everything that waits is due. */
  onClose: () => Promise<void>;
  onError: (error: unknown) => void;
};

const PROBE_FIRST_MS = 1_000;
const PROBE_CAP_EARLY_MS = 15_000;
const PROBE_CAP_LATE_MS = 60_000;
const EARLY_MS = 10 * 60_000;
const PROBE_TIMEOUT_MS = 10_000;

/** Time until the next probe: doubling, at most 15 s in the first ten minutes of an outage and a minute afterwards. */
export function probeDelayMs(probes: number, openForMs: number): number {
  return Math.min(
    openForMs < EARLY_MS ? PROBE_CAP_EARLY_MS : PROBE_CAP_LATE_MS,
    PROBE_FIRST_MS * 2 ** Math.min(probes, 10),
  );
}

/**
 * Circuit breaker of one instance. It opens by Sever's own rule (few failures, several people, or rejected credentials) and
 * closes on a read-only probe; opossum holds the state, its percentages are switched off.
 */
export class InstanceBreaker {
  private readonly circuit: CircuitBreaker<[() => Promise<Outcome>], Outcome>;
  private readonly window = new FailureWindow();
  private readonly malformed = new FailureWindow(MALFORMED_WINDOW);
  private timer: NodeJS.Timeout | undefined;
  private openedAt = 0;
  private probes = 0;
  private stopped = false;

  constructor(
    private readonly connector: Connector,
    private readonly hooks: BreakerHooks,
  ) {
    this.circuit = new CircuitBreaker(call => call(), {
      timeout: false,
      errorThresholdPercentage: 100,
      volumeThreshold: Number.MAX_SAFE_INTEGER,
      resetTimeout: 2 ** 31 - 1,
      enabled: true,
    });
  }

  get isOpen(): boolean {
    return this.circuit.opened;
  }

  /** Runs a call through the breaker; rejects while it is open. */
  fire(call: () => Promise<Outcome>): Promise<Outcome> {
    return this.circuit.fire(call);
  }

  /** Takes note of an outcome; only failures that concern the connector as a whole count. */
  async note(outcome: { kind: string; code?: string }, subject: string): Promise<void> {
    if (this.isOpen) return;
    if (outcome.kind === 'AuthFailed') return this.open(outcome.code ?? 'credentials.rejected');
    const now = Date.now();
    const isScope =
      outcome.kind === 'Transient' || (outcome.kind === 'Malformed' && this.malformed.add(subject, now));
    if (isScope && this.window.add(subject, now)) await this.open(outcome.code ?? 'target.unavailable');
  }

  /** Opens without telling anybody: the state was open when the process stopped. */
  resumeOpen(openedAt: Date): void {
    this.circuit.open();
    this.openedAt = openedAt.getTime();
    this.plan();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.circuit.shutdown();
  }

  private async open(cause: string): Promise<void> {
    this.circuit.open();
    this.openedAt = Date.now();
    this.probes = 0;
    this.plan();
    await this.hooks.onOpen(cause);
  }

  private plan(): void {
    if (this.stopped) return;
    this.timer = setTimeout(
      () => void this.probe().catch(this.hooks.onError),
      probeDelayMs(this.probes, Date.now() - this.openedAt),
    );
  }

  private async probe(): Promise<void> {
    this.probes += 1;
    const answer = await this.connector
      .probe({ signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) })
      .catch((): { kind: 'Unhealthy' } => ({ kind: 'Unhealthy' }));
    if (answer.kind !== 'Healthy') return this.plan();
    this.window.clear();
    this.malformed.clear();
    this.circuit.close();
    try {
      await this.hooks.onClose();
    } catch (error) {
      // The state could not be stored: stay open and probe again.
      this.circuit.open();
      this.plan();
      throw error;
    }
  }
}
