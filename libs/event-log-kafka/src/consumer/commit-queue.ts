import { setImmediate as nextTurn } from 'node:timers/promises';
import { unavailable } from '../kafka-client.js';

/** Answers of the coordinator that mean: the group has moved on, this member's commits no longer count. */
const FENCED: ReadonlySet<unknown> = new Set([
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'REBALANCE_IN_PROGRESS',
]);

/** Commits one after the other. */
export class CommitQueue {
  private last: Promise<unknown> = Promise.resolve();

  /**
   * Runs a commit when those before it are done, at the start of a turn of the event loop: the client changes its generation and
   * tells of it within one turn, so what `commit` checks then holds for the generation that it sends.
   * @throws EventLogError `log.unavailable`; a fenced commit is dropped
   */
  run(commit: () => Promise<void> | undefined): Promise<void> {
    const done = this.last.then(() => nextTurn()).then(commit);
    const settled = done.catch((error: unknown) => {
      if (error instanceof Error && 'type' in error && FENCED.has(error.type)) return;
      throw unavailable('offsets were not committed', error);
    });
    this.last = settled.catch(() => undefined);
    return settled;
  }

  async idle(): Promise<void> {
    await this.last;
  }
}
