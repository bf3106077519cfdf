import { createHash } from 'node:crypto';
import type { SeverEvent } from '@sever/event-contracts';
import { rows, type Queryable } from '@sever/postgres';

/** An event with its place in the log and the bytes as they were read. */
export type AuditedEvent = {
  topic: string;
  partition: number;
  logOffset: bigint;
  value: Buffer;
  event: SeverEvent;
};

/** The audit stream and the log disagree: nothing may go on before a person has looked. */
export class AuditError extends Error {
  override readonly name = 'AuditError';
  readonly code = 'audit.bytes-differ';
}

/**
 * Appends events to the audit stream. The bytes are taken from the log itself and must have the digest of the bytes that the
 * reader saw: a reader that was given anything else is stopped here.
 * @throws AuditError `audit.bytes-differ`
 */
export async function appendAudit(on: Queryable, events: readonly AuditedEvent[]): Promise<void> {
  const columns = events.map(({ topic, partition, logOffset, value, event }) => ({
    topic,
    partition,
    logOffset: String(logOffset),
    sha256: createHash('sha256').update(value).digest('hex'),
    id: event.id,
    type: event.type,
    time: event.time,
    actor: event.data.actor,
    target: event.data.target,
    tenant: event.tenant,
    subject: event.subject,
    optOut: event.optoutid ?? null,
    connector: connectorOf(event),
  }));
  const written = await rows(
    on,
    `insert into audit_event (topic, partition, log_offset, event_id, type, time, actor_kind, actor_id, target_kind, target_id,
                              tenant, subject, opt_out_id, connector, sha256, value)
     select u.topic, u.part, u.off, u.id, u.type, u.time, u.ak, u.ai, u.tk, u.ti, u.tenant, u.subject, u.optout, u.connector,
            decode(u.sha, 'hex'), r.value
       from unnest($1::text[], $2::int[], $3::bigint[], $4::uuid[], $5::text[], $6::timestamptz[], $7::text[], $8::text[], $9::text[],
                   $10::text[], $11::text[], $12::text[], $13::uuid[], $14::text[], $15::text[])
            as u(topic, part, off, id, type, time, ak, ai, tk, ti, tenant, subject, optout, connector, sha)
       cross join lateral (
         -- One index look-up per event; a join would be planned as a scan of the whole log.
         select l.value from log_record l where l.topic = u.topic and l.partition = u.part and l."offset" = u.off limit 1) r
      where sha256(r.value) = decode(u.sha, 'hex')
     returning 1 as one`,
    [
      columns.map(c => c.topic),
      columns.map(c => c.partition),
      columns.map(c => c.logOffset),
      columns.map(c => c.id),
      columns.map(c => c.type),
      columns.map(c => c.time),
      columns.map(c => c.actor.kind),
      columns.map(c => c.actor.id),
      columns.map(c => c.target.kind),
      columns.map(c => c.target.id),
      columns.map(c => c.tenant),
      columns.map(c => c.subject),
      columns.map(c => c.optOut),
      columns.map(c => c.connector),
      columns.map(c => c.sha256),
    ],
  );
  if (written.length !== events.length)
    throw new AuditError(
      `${events.length - written.length} of ${events.length} events differ from the log; compare both before anything else`,
    );
}

function connectorOf(event: SeverEvent): string | null {
  return 'instance' in event.data && typeof event.data.instance === 'string' ? event.data.instance : null;
}
