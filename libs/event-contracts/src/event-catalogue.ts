import type { z } from 'zod';
import { connectionEvents } from './events/connection-events.js';
import { coordinationEvents } from './events/coordination-events.js';
import { optOutEvents } from './events/opt-out-events.js';
import { groupEvents } from './events/group-events.js';
import { connectorHealthEvents, outcomeEvents, pipelineEvents } from './events/outcome-events.js';
import { subjectEvents } from './events/subject-events.js';
import type { EventEnvelope } from './event-envelope.js';
import type { Topic } from './words.js';

/** Event types of the `requests` topic: what is asked and decided. */
export const REQUEST_EVENTS = {
  ...subjectEvents,
  ...groupEvents,
  ...connectionEvents,
  ...optOutEvents,
  ...coordinationEvents,
  ...pipelineEvents,
};
/** Event types of the `outcomes` topic: what connectors did and saw. */
export const OUTCOME_EVENTS = { ...outcomeEvents, ...connectorHealthEvents };
/** Every current event type with the schema of its data. */
export const EVENTS = { ...REQUEST_EVENTS, ...OUTCOME_EVENTS };

export type RequestEventType = keyof typeof REQUEST_EVENTS;
export type OutcomeEventType = keyof typeof OUTCOME_EVENTS;
export type EventType = keyof typeof EVENTS;
/** Data of one event type. */
export type EventData<T extends EventType> = z.infer<(typeof EVENTS)[T]>;
/** An event of type `T`, or of any of the given types: a union discriminated by `type`. */
export type SeverEvent<T extends EventType = EventType> = {
  [K in T]: Omit<EventEnvelope, 'type' | 'data'> & { type: K; data: EventData<K> };
}[T];

export const isEventType = (type: string): type is EventType => Object.hasOwn(EVENTS, type);

/** The topic an event type belongs to. */
export const topicOf = (type: EventType): Topic =>
  Object.hasOwn(REQUEST_EVENTS, type) ? 'requests' : 'outcomes';
