import type { EventEnvelope } from './event-envelope.js';

/** Lifts one retired event version to the next; pure, total, applied by the reader. The log is never rewritten. */
export type Upcaster = (event: EventEnvelope) => EventEnvelope;

/** Retired type -> function to its successor. Every type has had one version so far. */
const UPCASTERS: Readonly<Record<string, Upcaster>> = {};

/** Applies upcasters until the event has a version without a successor. */
export function upcast(
  event: EventEnvelope,
  upcasters: Readonly<Record<string, Upcaster>> = UPCASTERS,
): EventEnvelope {
  let current = event;
  while (Object.hasOwn(upcasters, current.type)) {
    const next = upcasters[current.type];
    if (!next) break;
    current = next(current);
  }
  return current;
}
