import { claimDue, nextDueAt } from '@sever/coordination';
import type { DataSource } from 'typeorm';
import { settle, type CoordinatorOptions } from './coordinate.js';

/** Longest time without a look at the table, in milliseconds: another process may have made something due. */
const POLL_MS = 5_000;
const CLAIM = 200;

/** Wakes opt-outs whose time has come. The times are in the database; what runs here is only an alarm clock. */
export class DueTimer {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private stopped = false;

  constructor(
    private readonly dataSource: DataSource,
    private readonly o: CoordinatorOptions,
    private readonly onDecided: () => void,
    private readonly onError: (error: unknown) => void,
  ) {}

  start(): void {
    this.schedule(0);
  }

  /** Something may have become due earlier than planned. */
  async replan(): Promise<void> {
    if (this.running || this.stopped) return;
    const next = await nextDueAt(this.dataSource);
    if (next) this.schedule(next.getTime() - Date.now());
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.running;
  }

  private schedule(inMs: number): void {
    if (this.stopped) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(
      () => {
        this.running = this.run().finally(() => {
          this.running = undefined;
        });
      },
      Math.max(0, Math.min(inMs, POLL_MS)),
    );
  }

  private async run(): Promise<void> {
    let wait: number;
    try {
      const claimed = await this.dataSource.transaction(async em => {
        const due = await claimDue(em, CLAIM);
        const decided = await settle(em, due, this.o);
        return { due: due.length, decided };
      });
      if (claimed.decided > 0) this.onDecided();
      const next = await nextDueAt(this.dataSource);
      wait = claimed.due === CLAIM ? 0 : next ? next.getTime() - Date.now() : POLL_MS;
    } catch (error) {
      this.onError(error);
      wait = 1_000;
    }
    this.schedule(wait);
  }
}
