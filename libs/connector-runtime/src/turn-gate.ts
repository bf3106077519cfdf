/** Without anybody new for this long, later steps have all turns; until then a part. In milliseconds. */
const CALM_MS = 200;
const SHARE_OF_LATER = 0.25;

/**
 * Lets a limited number of steps run at once. Of those that wait, the one that stands earliest in its person's work goes first: under
 * load everybody is found and locked before anybody's memberships are stripped.
 */
export class TurnGate {
  /** When a person was last looked for, on the monotonic clock. */
  private lastFirst = Number.NEGATIVE_INFINITY;
  /** Waiting steps by urgency, each in the order of asking. */
  private readonly queues: (() => void)[][] = [];
  private running = 0;

  constructor(private limit: number) {}

  /** Changes how many run at once; slow start after an outage uses it. */
  setLimit(limit: number): void {
    this.limit = Math.max(1, limit);
    this.pump();
  }

  /** Runs `step` when its turn has come. @param urgency 0 goes first */
  async run<T>(urgency: number, step: () => Promise<T>): Promise<T> {
    if (urgency === 0) this.lastFirst = performance.now();
    await new Promise<void>(begin => {
      (this.queues[urgency] ??= []).push(begin);
      this.pump();
    });
    try {
      return await step();
    } finally {
      this.running -= 1;
      this.pump();
    }
  }

  private pump(): void {
    while (this.running < this.limit) {
      const urgency = this.queues.findIndex(queue => queue && queue.length > 0);
      if (urgency < 0 || (urgency > 0 && this.running >= this.limitOfLater())) return;
      this.running += 1;
      this.queues[urgency]?.shift()?.();
    }
  }

  /** While people keep coming, most turns are kept free for them. */
  private limitOfLater(): number {
    const isCalm = performance.now() - this.lastFirst > CALM_MS;
    return isCalm ? this.limit : Math.ceil(this.limit * SHARE_OF_LATER);
  }
}
