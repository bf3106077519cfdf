import type { InstanceEngine } from './instance-engine.js';
import type { InstanceContext } from './engine/work-context.js';
import { claimDueWork, workOverview } from './store/work-item-store.js';

const CLAIM = 32;
const POLL_MS = 1_000;

/** Claims work whose next try is due and runs it, bounded, beside the records of the log. */
export class RetryLoop {
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private readonly running = new Set<Promise<void>>();

  constructor(
    private readonly c: InstanceContext,
    private readonly engine: InstanceEngine,
    private readonly onError: (error: unknown) => void,
  ) {}

  start(): void {
    this.plan(0);
  }

  /** Something became due now. */
  poke(): void {
    if (!this.stopped) this.plan(0);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await Promise.all(this.running);
  }

  private plan(inMs: number): void {
    clearTimeout(this.timer);
    if (!this.stopped) this.timer = setTimeout(() => void this.tick(), Math.max(10, Math.min(inMs, POLL_MS)));
  }

  private async tick(): Promise<void> {
    let wait = POLL_MS;
    try {
      const room = this.c.manifest.concurrency - this.running.size;
      if (!this.c.breaker.isOpen && room > 0) {
        const due = await claimDueWork(
          this.c.dataSource,
          this.c.instance,
          this.c.owner,
          Math.min(CLAIM, room),
        );
        for (const item of due) this.run(item);
        const next =
          due.length > 0 ? new Date() : (await workOverview(this.c.dataSource, this.c.instance)).nextDue;
        if (next) wait = next.getTime() - Date.now();
        if (due.length > 0) wait = 50;
      }
    } catch (error) {
      this.onError(error);
    }
    this.plan(wait);
  }

  private run(item: Parameters<InstanceEngine['resume']>[0]): void {
    const work: Promise<void> = this.engine
      .resume(item)
      .catch(this.onError)
      .finally(() => this.running.delete(work));
    this.running.add(work);
  }
}
