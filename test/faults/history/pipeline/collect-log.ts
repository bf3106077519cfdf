import { createHash } from 'node:crypto';
import { sql } from '../../../harness/clients.js';
import type { Pipeline } from '../../../harness/pipeline.js';
import type { AuditOperation } from '../operation.js';

/** A record of the log with its event. */
export type LoggedEvent = {
  topic: string;
  partition: number;
  logOffset: number;
  eventId: string;
  key: string;
  type: string;
  sha256: string;
  event: EventBody;
};

/** An event as far as the history needs it. */
export type EventBody = {
  tenant: string;
  subject: string;
  causationid?: string;
  optoutid?: string;
  data: {
    door?: { via: string; operation: string; connection?: string; resource?: string };
    instance?: string;
    instances?: (string | { instance: string })[];
    stage?: string;
    step?: string | null;
    attempt?: number;
  };
};

type Row = { topic: string; partition: number; offset: string; id: string; value: Buffer };

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** The whole log, partition by partition in order. */
export async function readLog(pipeline: Pipeline): Promise<LoggedEvent[]> {
  const rows = await sql<Row & { key: string; type: string }>(
    pipeline.ready.databaseUrl,
    `select topic, partition, "offset", event_id as id, key, type, value from log_record order by topic desc, partition, "offset"`,
  );
  return rows.map(r => ({
    topic: r.topic,
    partition: r.partition,
    logOffset: Number(r.offset),
    eventId: r.id,
    key: r.key,
    type: r.type,
    sha256: digest(r.value),
    event: JSON.parse(r.value.toString('utf8')) as EventBody,
  }));
}

/** The audit stream; the digest is computed from the row's bytes here. */
export async function readAudit(pipeline: Pipeline): Promise<AuditOperation[]> {
  const rows = await sql<Row & { stated: Buffer }>(
    pipeline.ready.databaseUrl,
    'select topic, partition, log_offset as "offset", event_id as id, value, sha256 as stated from audit_event order by 1, 2, 3',
  );
  return rows.map(r => ({
    kind: 'audit',
    topic: r.topic,
    partition: r.partition,
    logOffset: Number(r.offset),
    eventId: r.id,
    sha256: digest(r.value),
    stated: r.stated.toString('hex'),
  }));
}
