import type { InstanceEngine } from './instance-engine.js';
import type { InstanceContext } from './engine/work-context.js';
import { claimDueWork, workOverview } from './store/work-item-store.js';

const CLAIM = 32;
/** Longest time without a look at the table, in milliseconds: the work of a process that died becomes due by itself. */
const POLL_MS = 5_000;

/** Claims work whose next try is due and runs it, bounded, beside the records of the log. */
export class RetryLoop {
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  /** When something asked to be looked at, on the monotonic clock. */
  private asked = Number.POSITIVE_INFINITY;
  private ticking = false;
  private readonly running = new Set<Promise<void>>();

  constructor(
    private readonly c: InstanceContext,
    private readonly engine: InstanceEngine,
    private readonly onError: (error: unknown) => void,
  ) {}

  start(): void {
    this.plan(0);
  }

  /** Something is due at that time, by default now. */
  poke(at?: Date): void {
    this.asked = Math.min(this.asked, performance.now() + (at ? at.getTime() - Date.now() : 0));
    if (!this.ticking) this.plan(POLL_MS);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await Promise.all(this.running);
  }

  private plan(inMs: number): void {
    clearTimeout(this.timer);
    if (this.stopped) return;
    const wait = Math.min(inMs, POLL_MS, this.asked - performance.now());
    this.timer = setTimeout(() => void this.tick(), Math.max(10, wait));
  }

  private async tick(): Promise<void> {
    let wait = POLL_MS;
    this.ticking = true;
    this.asked = Number.POSITIVE_INFINITY;
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
    this.ticking = false;
    this.plan(wait);
  }

  private run(item: Parameters<InstanceEngine['resume']>[0]): void {
    const work: Promise<void> = this.engine
      .resume(item)
      .catch(this.onError)
      .finally(() => {
        const wasFull = this.running.size >= this.c.manifest.concurrency;
        this.running.delete(work);
        if (wasFull) this.poke();
      });
    this.running.add(work);
  }
}
