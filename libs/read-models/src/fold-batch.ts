import { instanceOf, type SeverEvent } from '@sever/event-contracts';
import { foldOutcome, foldRequest, type OutcomeState, type RequestState } from '@sever/opt-out';
import { foldSubject, type SubjectState } from './subject-state.js';

/** An event of the log at its offset. */
export type PlacedEvent = { topic: string; logOffset: bigint; event: SeverEvent };

/** A row's state and the offset up to which it is folded. */
export type Folded<S> = { state: S; offset: bigint };

/** The rows that a batch touches: as they are before, and after {@link foldBatch} as they shall be. */
export type BatchState = {
  subjects: Map<string, Folded<SubjectState> & { tenant: string; subject: string }>;
  optOuts: Map<string, Folded<RequestState>>;
  instances: Map<string, Folded<OutcomeState>>;
};

export const subjectRowKey = (event: SeverEvent): string => `${event.tenant}\n${event.subject}`;
export const instanceRowKey = (optOutId: string, instance: string): string => `${optOutId}\n${instance}`;

/**
 * Folds a batch into the rows it touches. Each row is a fold of one topic, whose order per person is the log's; the two topics
 * may arrive in any order.
 * @returns the keys of the rows that changed
 */
export function foldBatch(
  state: BatchState,
  events: readonly PlacedEvent[],
): { subjects: Set<string>; optOuts: Set<string>; instances: Set<string> } {
  const touched = { subjects: new Set<string>(), optOuts: new Set<string>(), instances: new Set<string>() };
  for (const placed of events) {
    if (placed.event.subject === '-') continue;
    if (placed.topic === 'outcomes') foldIntoInstance(state, placed, touched.instances);
    else {
      foldIntoOptOut(state, placed, touched.optOuts);
      foldIntoSubject(state, placed, touched.subjects);
    }
  }
  return touched;
}

function foldIntoInstance(state: BatchState, { event, logOffset }: PlacedEvent, touched: Set<string>): void {
  const instance = instanceOf(event);
  if (!event.optoutid || instance === undefined) return;
  const key = instanceRowKey(event.optoutid, instance);
  const before = state.instances.get(key);
  if (before && before.offset >= logOffset) return;
  const after = foldOutcome(before?.state, event);
  if (!after) return;
  state.instances.set(key, { state: after, offset: logOffset });
  touched.add(key);
}

function foldIntoOptOut(state: BatchState, { event, logOffset }: PlacedEvent, touched: Set<string>): void {
  if (!event.optoutid) return;
  const before = state.optOuts.get(event.optoutid);
  if (before && before.offset >= logOffset) return;
  const after = foldRequest(before?.state, event);
  if (!after) return;
  state.optOuts.set(event.optoutid, { state: after, offset: logOffset });
  touched.add(event.optoutid);
}

function foldIntoSubject(state: BatchState, { event, logOffset }: PlacedEvent, touched: Set<string>): void {
  const key = subjectRowKey(event);
  const before = state.subjects.get(key);
  if (before && before.offset >= logOffset) return;
  const after = foldSubject(before?.state, event);
  if (!after || after === before?.state) return;
  state.subjects.set(key, { state: after, offset: logOffset, tenant: event.tenant, subject: event.subject });
  touched.add(key);
}
