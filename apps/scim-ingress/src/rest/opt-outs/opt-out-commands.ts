import { Injectable } from '@nestjs/common';
import {
  boundTargets,
  createSubject,
  isOptedOutByRetirement,
  knownName,
  lockStanding,
  setAskers,
  setLegalHold,
  standsAgainst,
  subjectById,
  subjectByUserName,
  subjectsByExternalId,
  tenantExists,
  type Standing,
  type Subject,
} from '@sever/directory';
import type { SeverEvent } from '@sever/event-contracts';
import { normaliseUserName } from '@sever/scim';
import type { EntityManager } from 'typeorm';
import { UNGOVERNED } from '../../governor/governor.js';
import { HttpProblem } from '../../http-problem.js';
import { IngressContext } from '../../ingress-context.js';
import { commitWrite } from '../../writes/commit.js';
import type { Identifiers } from '../../writes/event-drafts.js';
import { knownAs } from '../../writes/known-as.js';
import { requestOptOut, takeBack } from '../../writes/meaning-effects.js';
import { answeredBefore, rememberAnswer } from './idempotency-keys.js';
import type { OperatorBody, OptOutBody } from '../request-bodies.js';
import { onStanding, restDraft, type Caller } from './standing-command.js';

type Written = { result: string; event: SeverEvent | undefined };

/** What people and operators may ask of an opt-out. */
@Injectable()
export class OptOutCommands {
  constructor(private readonly context: IngressContext) {}

  /** Starts an opt-out, or joins the one that stands. The same idempotency key gives the same opt-out. */
  request(caller: Caller, body: OptOutBody, idempotencyKey: string | undefined): Promise<string> {
    return commitWrite(this.context, async em => {
      const known =
        idempotencyKey === undefined ? undefined : await answeredBefore(em, caller, idempotencyKey, body);
      if (known) return { result: known, event: undefined };
      const written = await this.requestIn(em, caller, body);
      if (idempotencyKey !== undefined)
        await rememberAnswer(em, caller, idempotencyKey, body, written.result);
      return written;
    });
  }

  /** Overrides every asker and gives back what was taken, while that is possible. */
  restore(caller: Caller, id: string, body: OperatorBody): Promise<SeverEvent> {
    return onStanding(this.context, caller, id, 'restore', body, async (em, standing, draft) => {
      if (standing.phase !== 'open' && standing.phase !== 'cut-only')
        throw new HttpProblem(
          409,
          'opt-out.not-restorable',
          `this opt-out is ${standing.phase}; only before the purge can anything be given back`,
        );
      await setAskers(em, standing.optOutId, []);
      await takeBack(em, standing);
      return draft.onOptOut('sever.optout.restore-requested.v1', standing.optOutId, {
        asker: draft.request.asker,
        overridesAskers: true,
      });
    });
  }

  retry(caller: Caller, id: string, body: OperatorBody): Promise<SeverEvent> {
    return onStanding(this.context, caller, id, 'operator', body, async (em, standing, draft) => {
      requireRunning(standing);
      await this.checkInstance(em, standing.tenant, body.connector);
      return draft.onOptOut('sever.optout.retry-requested.v1', standing.optOutId, {
        instance: body.connector ?? null,
        step: body.step ?? null,
      });
    });
  }

  waive(caller: Caller, id: string, body: OperatorBody): Promise<SeverEvent> {
    return onStanding(this.context, caller, id, 'operator', body, async (em, standing, draft) => {
      requireRunning(standing);
      if (body.connector === undefined)
        throw new HttpProblem(400, 'waiver.connector-required', 'say which connector the waiver is for');
      await this.checkInstance(em, standing.tenant, body.connector);
      return draft.onOptOut('sever.optout.waived.v1', standing.optOutId, {
        instance: body.connector,
        step: body.step ?? null,
        owner: caller.principal,
        expiresAt: body.expiresAt ?? null,
      });
    });
  }

  /** A legal hold: no purge until it is released. */
  setHold(caller: Caller, id: string, body: OperatorBody, held: boolean): Promise<SeverEvent> {
    return onStanding(this.context, caller, id, 'operator', body, async (em, standing, draft) => {
      if (standing.phase !== 'open')
        throw new HttpProblem(
          409,
          'opt-out.not-running',
          `this opt-out is ${standing.phase}; a hold would change nothing`,
        );
      if (standing.legalHold === held)
        throw new HttpProblem(
          409,
          held ? 'hold.stands' : 'hold.none',
          held ? 'a legal hold stands already' : 'no legal hold stands',
        );
      await setLegalHold(em, standing.optOutId, held);
      return draft.onOptOut(
        held ? 'sever.optout.hold-placed.v1' : 'sever.optout.hold-released.v1',
        standing.optOutId,
        {},
      );
    });
  }

  private async requestIn(em: EntityManager, caller: Caller, body: OptOutBody): Promise<Written> {
    const subject = await this.subjectOf(em, body);
    const about = { tenant: subject.tenant, subject: subject.id };
    const said = { operation: 'opt-out', reason: body.reason ?? null } as const;
    const draft = restDraft(this.context, em, caller, about, said);
    const standing = await lockStanding(em, subject.tenant, subject.id);
    if (standing && standsAgainst(standing) && (standing.phase === 'open' || standing.phase === 'purging')) {
      const { asker } = draft.request;
      await setAskers(em, standing.optOutId, [
        ...standing.askers.filter(a => a.kind !== asker.kind || a.id !== asker.id),
        asker,
      ]);
      const event = await draft.onOptOut('sever.optout.repeated.v1', standing.optOutId, {
        asker,
        resourceRemoved: false,
      });
      return { result: standing.optOutId, event };
    }
    const identifiers = await this.identifiersOf(em, subject, body);
    const ruling = (await this.isDecidedForAll(em, subject, body))
      ? UNGOVERNED
      : await this.context.governor.ruleIn(em, draft.request);
    const event = await requestOptOut(em, draft, { identifiers, removed: false }, ruling);
    return { result: event.optoutid ?? '', event };
  }

  private async subjectOf(em: EntityManager, body: OptOutBody): Promise<Subject> {
    if (!(await tenantExists(em, body.tenant)))
      throw new HttpProblem(404, 'subject.unknown', 'no such person in this tenant');
    if (body.subject !== undefined) return known(await subjectById(em, body.tenant, body.subject));
    if (body.externalId !== undefined) {
      const found = await subjectsByExternalId(em, body.tenant, body.externalId);
      if (found.length > 1)
        throw new HttpProblem(
          409,
          'subject.ambiguous',
          'several people have this externalId; ask by userName or subject',
        );
      return known(found[0]);
    }
    const userNameNorm = normaliseUserName(body.userName ?? '');
    const found = await subjectByUserName(em, body.tenant, userNameNorm);
    if (!found && body.create) return createSubject(em, body.tenant, userNameNorm);
    return known(found);
  }

  /** The name as the directory spells it; the caller's spelling for somebody the directory does not know. */
  private async identifiersOf(em: EntityManager, subject: Subject, body: OptOutBody): Promise<Identifiers> {
    const known = await knownName(em, subject.id);
    return known ? knownAs(known) : { userName: body.userName ?? subject.userNameNorm };
  }

  /** Whether an operator decided it for all people of a connection that was retired. @throws HttpProblem 409 `connection.not-decided` */
  private async isDecidedForAll(em: EntityManager, subject: Subject, body: OptOutBody): Promise<boolean> {
    const { retiredConnection: connection } = body;
    if (connection === undefined) return false;
    if (await isOptedOutByRetirement(em, { tenant: subject.tenant, subject: subject.id, connection }))
      return true;
    throw new HttpProblem(
      409,
      'connection.not-decided',
      `no retirement of ${connection.slice(0, 80)} opts this person out; retire it with the decision to opt out, or leave retiredConnection away`,
    );
  }

  private async checkInstance(
    em: EntityManager,
    tenant: string,
    instance: string | undefined,
  ): Promise<void> {
    if (instance === undefined) return;
    const bound = await boundTargets(em, tenant);
    if (!bound.some(b => b.instance === instance))
      throw new HttpProblem(
        404,
        'connector.unknown',
        `this tenant is not bound to a connector ${instance.slice(0, 60)}`,
      );
  }
}

function known(subject: Subject | undefined): Subject {
  if (!subject)
    throw new HttpProblem(
      404,
      'subject.unknown',
      'no such person in this tenant; send "create": true for somebody no identity provider sent',
    );
  return subject;
}

function requireRunning(standing: Standing): void {
  if (standing.staged)
    throw new HttpProblem(
      409,
      'opt-out.staged',
      'the governor holds this opt-out and nothing has begun: approve or reject it first',
    );
  if (standing.phase === 'open' || standing.phase === 'purging' || standing.phase === 'restoring') return;
  throw new HttpProblem(
    409,
    'opt-out.not-running',
    `this opt-out is ${standing.phase}; nothing is left to do`,
  );
}
