import { randomUUID } from 'node:crypto';
import { v5 } from 'uuid';

/** Namespace of all name-based ids of Sever (a fixed random UUID). */
const NAMESPACE = '6f1d8a52-3c07-4b6e-9d51-0f2a7a9b4c18';

/** A fresh random id, for facts that happen once (a request that arrived). */
export const newEventId = (): string => randomUUID();

/** RFC 9562 UUIDv5 over the parts, joined so that no two different lists collide: a repeat of the same fact meets itself. */
export function nameBasedId(...parts: readonly (string | number)[]): string {
  return v5(JSON.stringify(parts), NAMESPACE);
}

/** Id of a connector's fact about one attempt (design: instance, request event, step, fact, attempt). */
export function outcomeId(o: {
  instance: string;
  requestEvent: string;
  step: string;
  fact: string;
  attempt: number;
}): string {
  return nameBasedId('outcome', o.instance, o.requestEvent, o.step, o.fact, o.attempt);
}

/** Id of a coordinator's decision: the same decision about the same opt-out, taken again after a rebuild, meets itself. */
export function decisionId(optOutId: string, decision: string, ordinal: number | string = 0): string {
  return nameBasedId('decision', optOutId, decision, ordinal);
}
