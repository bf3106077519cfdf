import { instanceOf, type SeverEvent } from '@sever/event-contracts';
import type { CopyColumn } from '@sever/postgres';

/** An event with its place in the log and the bytes as they were read. */
export type AuditedEvent = {
  topic: string;
  partition: number;
  logOffset: bigint;
  value: Buffer;
  event: SeverEvent;
};

/** An event with the SHA-256 of its bytes. */
export type DigestedEvent = AuditedEvent & { sha256: Buffer };

/** What a row of the audit stream tells of an event. */
export const AUDIT_COLUMNS: readonly CopyColumn<DigestedEvent>[] = [
  { name: 'topic', type: 'text', of: e => e.topic },
  { name: 'partition', type: 'int4', of: e => e.partition },
  { name: 'log_offset', type: 'int8', of: e => Number(e.logOffset) },
  { name: 'event_id', type: 'uuid', of: e => e.event.id },
  { name: 'type', type: 'text', of: e => e.event.type },
  { name: 'time', type: 'timestamptz', of: e => e.event.time },
  { name: 'actor_kind', type: 'text', of: e => e.event.data.actor.kind },
  { name: 'actor_id', type: 'text', of: e => e.event.data.actor.id },
  { name: 'target_kind', type: 'text', of: e => e.event.data.target.kind },
  { name: 'target_id', type: 'text', of: e => e.event.data.target.id },
  { name: 'tenant', type: 'text', of: e => e.event.tenant },
  { name: 'subject', type: 'text', of: e => e.event.subject },
  { name: 'opt_out_id', type: 'uuid', of: e => e.event.optoutid ?? null },
  { name: 'connector', type: 'text', of: e => instanceOf(e.event) ?? null },
  { name: 'sha256', type: 'bytea', of: e => e.sha256 },
  { name: 'value', type: 'bytea', of: e => e.value },
];
