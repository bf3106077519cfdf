import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from '../../../harness/clients.js';
import type { Pipeline } from '../../../harness/pipeline.js';

const LOOK_EVERY_MS = 400;

/**
 * Who may say something about one person that opens or ends an opt-out. Several doors speak about the same person, and each
 * waits until nothing that was asked before is being given back.
 */
export class Turns {
  private tail: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly pipeline: Pipeline,
    private readonly tenant: string,
    private readonly userName: string,
    /** Whether doors may speak while a restore runs. */
    private readonly mayOverlap: boolean,
    /** Nothing more is to be said. */
    private readonly isOver: () => boolean,
  ) {}

  /**
   * Says something when it is time; not at all when that is not before the end.
   * @param phases of the person's opt-outs for whose end is waited
   */
  take(phases: readonly string[], say: () => Promise<void>): Promise<void> {
    if (this.mayOverlap) return say();
    const mine = this.tail.then(async () => {
      while (await this.isBusy(phases)) {
        if (this.isOver()) return;
        await sleep(LOOK_EVERY_MS);
      }
      await say();
    });
    this.tail = mine.catch(() => undefined);
    return mine;
  }

  private async isBusy(phases: readonly string[]): Promise<boolean> {
    try {
      const found = await sql(
        this.pipeline.ready.databaseUrl,
        `select 1 from standing_opt_out o join subject s on s.id = o.subject
          where s.tenant = $1 and s.user_name_norm = $2 and o.phase = any($3) limit 1`,
        [this.tenant, this.userName, phases],
      );
      return found.length > 0;
    } catch {
      // The database is down: nobody can say.
      return true;
    }
  }
}

/** Accounts are being given back. */
export const RESTORING = ['restoring'];
/** Anything is going on. */
export const RUNNING = ['open', 'restoring', 'purging'];
