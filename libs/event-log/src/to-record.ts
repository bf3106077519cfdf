import { encodeEvent, recordHeaders, subjectKey, topicOf, type SeverEvent } from '@sever/event-contracts';
import type { NewRecord } from './port/log-record.js';

/** The record of an event: its bytes made once, its key `tenant:subject`, headers for routing. */
export function toRecord(event: SeverEvent): NewRecord {
  return {
    topic: topicOf(event.type),
    key: subjectKey(event.tenant, event.subject),
    eventId: event.id,
    type: event.type,
    headers: recordHeaders(event),
    value: encodeEvent(event),
  };
}
