import { expireCompletions } from '@sever/directory';
import type { Logger } from '@sever/telemetry';
import type { DataSource } from 'typeorm';

/** How long it is kept how a request ended, from when it was done. */
export const KEPT_DAYS = 30;
const DAY_MS = 86_400_000;
/** How often a process looks for what may go, and how much goes at once. */
const LOOK_EVERY_MS = 60_000;
const ONCE_MAX = 1_000;

/** Forgets how asynchronous requests ended when their client does not come for it. */
export class CompletionExpiry {
  private last = -Infinity;

  constructor(
    private readonly dataSource: DataSource,
    private readonly logger: Logger,
    private readonly now: () => Date = () => new Date(),
  ) {}

  /** Looks beside other work, when the last look of this process is a minute ago; nobody has to wait for it, and it never fails. */
  beside(): Promise<void> | undefined {
    const now = this.now().getTime();
    if (now - this.last < LOOK_EVERY_MS) return undefined;
    this.last = now;
    return this.expire().catch((err: unknown) => {
      this.logger.warn({ err }, 'what nobody fetched could not be forgotten; the next look tries again');
    });
  }

  /** Forgets a bounded number of what was done more than {@link KEPT_DAYS} days ago. */
  async expire(): Promise<void> {
    const doneBefore = new Date(this.now().getTime() - KEPT_DAYS * DAY_MS);
    await expireCompletions(this.dataSource, doneBefore, ONCE_MAX);
  }
}
