import {
  approveStandings,
  boundTargets,
  endStagedStandings,
  lockStaged,
  type StagedFilter,
  type StagedOptOut,
} from '@sever/directory';
import type { SeverEvent } from '@sever/event-contracts';
import { toRecord } from '@sever/event-log';
import type { EntityManager } from 'typeorm';
import type { IngressContext } from '../ingress-context.js';
import { restDraft, type Caller } from '../rest/opt-outs/standing-command.js';
import { knownAs } from '../writes/known-as.js';

/** What an operator says of those that wait. */
export type Verdict = 'approve' | 'reject';

/** `last` is the id up to which the batch went; undefined when nobody was left. */
export type BatchDone = { done: number; reclaimed: number; last: string | undefined };

/** Decides some of those that wait: one transaction, one event per person. */
export class StagedBatch {
  constructor(private readonly context: IngressContext) {}

  async decide(
    verdict: Verdict,
    caller: Caller,
    filter: StagedFilter,
    { size, reason }: { size: number; reason: string },
  ): Promise<BatchDone> {
    const done = await this.context.dataSource.transaction(async em => {
      const met = await lockStaged(em, filter, size);
      const decided = verdict === 'approve' ? met.filter(one => !one.isReclaimed) : met;
      const events = await this.events(em, verdict, caller, filter.tenant, decided, reason);
      const ids = decided.map(one => one.optOutId);
      await (verdict === 'approve' ? approveStandings(em, ids) : endStagedStandings(em, ids));
      await this.context.writer.append(em, events.map(toRecord));
      return { done: ids.length, reclaimed: met.length - ids.length, last: met.at(-1)?.optOutId };
    });
    this.context.writer.wake();
    return done;
  }

  private async events(
    em: EntityManager,
    verdict: Verdict,
    caller: Caller,
    tenant: string,
    decided: readonly StagedOptOut[],
    reason: string,
  ): Promise<SeverEvent[]> {
    const targets = verdict === 'approve' ? await boundTargets(em, tenant) : [];
    await this.context.keys.warm(
      em,
      decided.map(({ subject }) => ({ tenant, subject })),
    );
    const events: SeverEvent[] = [];
    for (const one of decided) {
      const about = { tenant, subject: one.subject };
      const draft = restDraft(this.context, em, caller, about, { operation: 'operator', reason });
      events.push(
        await (verdict === 'approve'
          ? draft.optOutApproved(one.optOutId, knownAs(one), targets)
          : draft.onOptOut('sever.optout.rejected.v1', one.optOutId, {})),
      );
    }
    return events;
  }
}
