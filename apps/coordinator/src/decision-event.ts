import type { Coordination } from '@sever/coordination';
import {
  decisionId,
  makeEvent,
  type EventData,
  type EventType,
  type SeverEvent,
} from '@sever/event-contracts';
import type { Decision, RequestState } from '@sever/opt-out';
import { currentTraceparent } from '@sever/telemetry';

/** The event that tells a decision. */
export function decisionEvent(
  coordination: Coordination,
  request: RequestState,
  decision: Decision,
  now: Date,
): SeverEvent {
  const fact = {
    actor: { kind: 'coordinator', id: 'coordinator' } as const,
    target: { kind: 'subject', id: request.subject } as const,
  };
  const make = <T extends EventType>(type: T, data: EventData<T>): SeverEvent =>
    makeEvent({
      type,
      id: decisionId(request.optOutId, decision.key),
      source: '/coordinator',
      tenant: request.tenant,
      subject: request.subject,
      time: now,
      optOutId: request.optOutId,
      causationId: coordination.cause,
      traceparent: currentTraceparent() ?? coordination.traceparent,
      data,
    }) as SeverEvent;
  const at = now.toISOString();
  const { key: _key, kind: _kind, ...data } = decision;
  switch (decision.kind) {
    case 'cut':
      return make('sever.optout.cut.v1', {
        ...fact,
        cutAt: at,
        residualAccessUntil: decision.residualAccessUntil,
        waived: decision.waived,
        noAccount: decision.noAccount,
      });
    case 'held':
      return make('sever.optout.held.v1', { ...fact, purgeAfter: decision.purgeAfter });
    case 'closed':
      return make('sever.optout.closed.v1', { ...fact, closedAt: at, outcome: decision.outcome });
    case 'restored':
      return make('sever.optout.restored.v1', { ...fact, restoredAt: at });
    default:
      // The remaining decisions carry exactly the data of their event.
      return make(`sever.optout.${decision.kind}.v1`, {
        ...fact,
        ...data,
      } as unknown as EventData<`sever.optout.${typeof decision.kind}.v1`>);
  }
}
