import {
  newCoordination,
  loadCoordinations,
  saveCoordinations,
  type Coordination,
} from '@sever/coordination';
import {
  lockStandings,
  otherLiveSubject,
  setPhase,
  type Standing,
  type StandingPhase,
} from '@sever/directory';
import { instanceOf, readLoggedEvent, type SeverEvent } from '@sever/event-contracts';
import { toRecord, type EventLogWriter, type LogRecord } from '@sever/event-log';
import { decide, foldOutcome, foldRequest, nextDue, type Decision, type RequestState } from '@sever/opt-out';
import { inSpan } from '@sever/telemetry';
import type { EntityManager } from 'typeorm';
import { decisionEvent } from './decision-event.js';

export type CoordinatorOptions = {
  writer: EventLogWriter<EntityManager>;
  reverifyAfterSeconds: readonly number[];
  now?: () => Date;
};

/** Folds a batch of records and makes the decisions that follow; everything in the caller's transaction, the append last. */
export async function coordinateBatch(
  em: EntityManager,
  records: readonly LogRecord[],
  o: CoordinatorOptions,
): Promise<number> {
  const placed = records
    .map(record => ({ record, event: readLoggedEvent(record.value) }))
    .filter(p => p.event.optoutid !== undefined);
  const ids = [...new Set(placed.map(p => p.event.optoutid ?? ''))];
  if (ids.length === 0) return 0;
  const known = await loadCoordinations(em, ids);
  for (const { record, event } of placed) {
    const id = event.optoutid ?? '';
    const coordination = known.get(id) ?? newCoordination(id);
    known.set(id, coordination);
    fold(coordination, record.topic, event);
  }
  return settle(em, [...known.values()], o);
}

/** What is done about an opt-out belongs to the trace of the request that began it. */
const BEGINNINGS: ReadonlySet<SeverEvent['type']> = new Set([
  'sever.optout.requested.v1',
  'sever.optout.staged.v1',
  'sever.optout.approved.v1',
]);

function fold(coordination: Coordination, topic: string, event: SeverEvent): void {
  coordination.cause = event.id;
  if (topic === 'requests') {
    coordination.request = foldRequest(coordination.request, event);
    if (BEGINNINGS.has(event.type)) coordination.traceparent = event.traceparent;
    return;
  }
  const instance = instanceOf(event);
  if (instance === undefined) return;
  const next = foldOutcome(coordination.outcomes.get(instance), event);
  if (next) coordination.outcomes.set(instance, next);
}

/** Makes the due decisions of the given opt-outs, stores them and appends their events. */
export async function settle(
  em: EntityManager,
  list: readonly Coordination[],
  o: CoordinatorOptions,
): Promise<number> {
  const now = o.now?.() ?? new Date();
  const standings = new Map(
    (
      await lockStandings(
        em,
        list.map(c => c.optOutId),
      )
    ).map(s => [s.optOutId, s]),
  );
  const events: SeverEvent[] = [];
  for (const coordination of list) {
    const { request } = coordination;
    if (!request) continue;
    for (const decision of await newDecisions(em, coordination, request, now, o)) {
      if (!(await moveStanding(em, standings.get(coordination.optOutId), decision))) continue;
      coordination.decided.add(decision.key);
      events.push(
        await inSpan(`coordinator.${decision.kind}`, { traceparent: coordination.traceparent }, () =>
          Promise.resolve(decisionEvent(coordination, request, decision, now)),
        ),
      );
    }
    coordination.dueAt = nextDue(request, now, o.reverifyAfterSeconds);
  }
  await saveCoordinations(em, list);
  await o.writer.append(em, events.map(toRecord));
  return events.length;
}

async function newDecisions(
  em: EntityManager,
  c: Coordination,
  request: RequestState,
  now: Date,
  o: CoordinatorOptions,
): Promise<Decision[]> {
  const mayPurge = request.phase === 'cut' || request.phase === 'held';
  const context = {
    now,
    otherLiveSubject: mayPurge ? await otherLiveSubject(em, request.tenant, request.subject) : undefined,
    reverifyAfterSeconds: o.reverifyAfterSeconds,
  };
  return decide(request, c.outcomes, context).filter(decision => !c.decided.has(decision.key));
}

/**
 * Keeps the row that the ingress asks in step with the decision. A restore that was accepted a moment ago wins over a purge
 * that is not begun: its event is on its way.
 * @returns false when the decision must not be made now
 */
async function moveStanding(
  em: EntityManager,
  standing: Standing | undefined,
  decision: Decision,
): Promise<boolean> {
  if (!standing) return true;
  const phase = phaseAfter(decision);
  if (decision.kind === 'purge-started' && (standing.phase !== 'open' || standing.legalHold)) return false;
  if (decision.kind === 'closed' && standing.phase === 'restoring') return false;
  if (phase !== undefined && phase !== standing.phase) await setPhase(em, standing.optOutId, phase);
  return true;
}

function phaseAfter(decision: Decision): StandingPhase | undefined {
  switch (decision.kind) {
    case 'purge-started':
      return 'purging';
    case 'closed':
      return decision.outcome === 'purged' ? 'purged' : 'cut-only';
    case 'restored':
      return 'restored';
    default:
      return undefined;
  }
}
