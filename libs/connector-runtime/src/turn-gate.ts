/**
 * Lets a limited number of steps run at once. Of those that wait, the one that stands earliest in its person's work goes first: under
 * load everybody is found and locked before anybody's memberships are stripped.
 */
export class TurnGate {
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
      const next = this.queues.find(queue => queue && queue.length > 0)?.shift();
      if (!next) return;
      this.running += 1;
      next();
    }
  }
}
