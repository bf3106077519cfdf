/** Failures that open the breaker: this many, from this many people, within this time. */
export const FAILURES_TO_OPEN = 5;
export const SUBJECTS_TO_OPEN = 3;
export const WINDOW_MS = 60_000;

/** Replies that are not understood concern the connector once they come from this many people within this time. */
export const MALFORMED_WINDOW = { failures: 3, subjects: 3, ms: 5 * 60_000 };

/** Failures of a stretch of time, by default the last minute. One person's failures alone never fill it. */
export class FailureWindow {
  private failures: { subject: string; at: number }[] = [];

  constructor(
    private readonly full = { failures: FAILURES_TO_OPEN, subjects: SUBJECTS_TO_OPEN, ms: WINDOW_MS },
  ) {}

  /** @returns whether the breaker must open */
  add(subject: string, now: number): boolean {
    this.failures = this.failures.filter(f => now - f.at < this.full.ms);
    this.failures.push({ subject, at: now });
    return (
      this.failures.length >= this.full.failures &&
      new Set(this.failures.map(f => f.subject)).size >= this.full.subjects
    );
  }

  clear(): void {
    this.failures = [];
  }
}
