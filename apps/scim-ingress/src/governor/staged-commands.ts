import { Injectable } from '@nestjs/common';
import {
  approveStandings,
  boundTargets,
  countStaged,
  endStagedStandings,
  requireConnectionOf,
  requireTenant,
  sourceOf,
  stagedOptOut,
  type StagedOptOut,
} from '@sever/directory';
import type { SeverEvent } from '@sever/event-contracts';
import { HttpProblem } from '../http-problem.js';
import { IngressContext } from '../ingress-context.js';
import { onStanding, type Caller } from '../rest/opt-outs/standing-command.js';
import type { OperatorBody } from '../rest/request-bodies.js';
import { knownAs } from '../writes/known-as.js';
import { StagedBatch, type Verdict } from './staged-batch.js';

/** Which of those that wait, and how many of them at most: `after` is where a former call stopped. */
export type StagedRequest = {
  tenant: string;
  connection?: string | undefined;
  reason: string;
  limit?: number | undefined;
  after?: string | undefined;
};

/** What became of them. Who is `reclaimed` goes on waiting: somebody else has the user name now. */
export type StagedDone = { done: number; reclaimed: number; waiting: number; next: string | null };

const BATCH = 100;

/** What operators say about opt-outs that the governor holds. */
@Injectable()
export class StagedCommands {
  private readonly batch: StagedBatch;

  constructor(private readonly context: IngressContext) {
    this.batch = new StagedBatch(context);
  }

  /** The cut begins. @throws HttpProblem 409 `opt-out.not-staged`, `opt-out.name-reclaimed`; 400 when only a part of it is named */
  approve(caller: Caller, id: string, body: OperatorBody): Promise<SeverEvent> {
    requireWhole(body);
    return onStanding(this.context, caller, id, 'operator', body, async (em, standing, draft) => {
      const staged = waiting(await stagedOptOut(em, standing.optOutId));
      if (staged.isReclaimed)
        throw new HttpProblem(
          409,
          'opt-out.name-reclaimed',
          'somebody else has this user name now, and a cut would hit them: reject this one, or take the name from the other person first',
        );
      await approveStandings(em, [standing.optOutId]);
      const targets = await boundTargets(em, standing.tenant);
      return draft.optOutApproved(standing.optOutId, knownAs(staged), targets);
    });
  }

  /** It ends; nothing was taken, and what the directory holds stays. @throws HttpProblem 409 `opt-out.not-staged` */
  reject(caller: Caller, id: string, body: OperatorBody): Promise<SeverEvent> {
    requireWhole(body);
    return onStanding(this.context, caller, id, 'operator', body, async (em, standing, draft) => {
      waiting(await stagedOptOut(em, standing.optOutId));
      await endStagedStandings(em, [standing.optOutId]);
      return draft.onOptOut('sever.optout.rejected.v1', standing.optOutId, {});
    });
  }

  /**
   * The same for all that wait, in batches of one transaction each and one event per person.
   * @throws DirectoryError `tenant.unknown`, `connection.unknown`
   */
  async decideAll(verdict: Verdict, caller: Caller, asked: StagedRequest): Promise<StagedDone> {
    const { tenant, connection, reason, limit = Infinity } = asked;
    await (connection === undefined
      ? requireTenant(this.context.dataSource, tenant)
      : requireConnectionOf(this.context.dataSource, tenant, connection));
    const source = connection === undefined ? null : sourceOf(tenant, { kind: 'connection', id: connection });
    const filter = { tenant, source: source?.source ?? null };
    let [after, done, reclaimed, seen] = [asked.after ?? null, 0, 0, 0];
    for (;;) {
      const size = Math.min(BATCH, limit - seen);
      const met = await this.batch.decide(verdict, caller, { ...filter, after }, { size, reason });
      done += met.done;
      reclaimed += met.reclaimed;
      seen += met.done + met.reclaimed;
      after = met.last ?? after;
      const isOver = met.last === undefined;
      if (isOver || seen >= limit)
        return { done, reclaimed, waiting: await this.count(filter), next: isOver ? null : after };
    }
  }

  private count(filter: { tenant: string; source: string | null }): Promise<number> {
    return countStaged(this.context.dataSource, { ...filter, after: null });
  }
}

function requireWhole({ connector, step }: OperatorBody): void {
  if (connector === undefined && step === undefined) return;
  throw new HttpProblem(
    400,
    'request.invalid',
    'an opt-out is approved or rejected as a whole: leave connector and step away',
  );
}

function waiting(staged: StagedOptOut | undefined): StagedOptOut {
  if (!staged)
    throw new HttpProblem(
      409,
      'opt-out.not-staged',
      'the governor does not hold this opt-out: there is nothing to approve or reject',
    );
  return staged;
}
