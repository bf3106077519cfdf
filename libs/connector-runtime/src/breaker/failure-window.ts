/** Failures that open the breaker: this many, from this many people, within this time. */
export const FAILURES_TO_OPEN = 5;
export const SUBJECTS_TO_OPEN = 3;
export const WINDOW_MS = 60_000;

/** Connector-scope failures of the last minute. One person's failures alone never fill it. */
export class FailureWindow {
  private failures: { subject: string; at: number }[] = [];

  /** @returns whether the breaker must open */
  add(subject: string, now: number): boolean {
    this.failures = this.failures.filter(f => now - f.at < WINDOW_MS);
    this.failures.push({ subject, at: now });
    return (
      this.failures.length >= FAILURES_TO_OPEN &&
      new Set(this.failures.map(f => f.subject)).size >= SUBJECTS_TO_OPEN
    );
  }

  clear(): void {
    this.failures = [];
  }
}
