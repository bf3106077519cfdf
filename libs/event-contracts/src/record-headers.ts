import type { SeverEvent } from './event-catalogue.js';

/** Headers that repeat what routing needs; never read as facts. */
export function recordHeaders(event: SeverEvent): Record<string, string> {
  return {
    ce_id: event.id,
    ce_type: event.type,
    ce_time: event.time,
    ...(event.optoutid && { sever_optout: event.optoutid }),
    ...(event.traceparent && { traceparent: event.traceparent }),
  };
}
