import { isUuid, lockStandingById, type Standing } from '@sever/directory';
import type { Door, SeverEvent } from '@sever/event-contracts';
import type { EntityManager } from 'typeorm';
import { HttpProblem } from '../../http-problem.js';
import type { IngressContext } from '../../ingress-context.js';
import { commitWrite } from '../../writes/commit.js';
import { EventDraft } from '../../writes/event-drafts.js';
import type { OperatorBody } from '../request-bodies.js';

/** Who calls the REST door. */
export type Caller = { principal: string };

/** What a caller of the REST door says about one person. */
export function restDraft(
  context: IngressContext,
  em: EntityManager,
  caller: Caller,
  about: { tenant: string; subject: string },
  said: { operation: Door['operation']; reason: string | null },
): EventDraft {
  const asker = { kind: 'api', id: caller.principal } as const;
  return new EventDraft(context, context.encryptIn(em), {
    tenant: about.tenant,
    subject: about.subject,
    actor: asker,
    asker,
    door: { via: 'rest', operation: said.operation },
    source: '/api',
    reason: said.reason,
  });
}

/**
 * An operator's action on one opt-out: it is locked, and the action changes it and tells it.
 * @returns the event that tells it
 * @throws HttpProblem 404 `opt-out.unknown`
 */
export function onStanding(
  context: IngressContext,
  caller: Caller,
  id: string,
  operation: Door['operation'],
  body: OperatorBody,
  act: (em: EntityManager, standing: Standing, draft: EventDraft) => Promise<SeverEvent>,
): Promise<SeverEvent> {
  return commitWrite(context, async em => {
    const standing = isUuid(id) ? await lockStandingById(em, id) : undefined;
    if (!standing) throw new HttpProblem(404, 'opt-out.unknown', `there is no opt-out ${id.slice(0, 80)}`);
    const draft = restDraft(context, em, caller, standing, { operation, reason: body.reason });
    const event = await act(em, standing, draft);
    return { result: event, event };
  });
}
