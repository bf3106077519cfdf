import { oneRow, type Queryable } from '@sever/postgres';

/** How the audit stream compares with the log up to a cut. */
export type AuditComparison = { events: number; missing: number; differing: number };

/**
 * Compares every event below the cut byte for byte.
 * @param cut next offsets per topic and partition
 */
export async function compareAudit(
  on: Queryable,
  cut: readonly { topic: string; partition: number; next: string }[],
): Promise<AuditComparison> {
  const row = await oneRow<{ events: string; missing: string; differing: string }>(
    on,
    `select count(*) as events, count(*) filter (where a.event_id is null) as missing,
            count(*) filter (where a.event_id is not null and (a.value <> r.value or a.sha256 <> sha256(r.value) or a.event_id <> r.event_id)) as differing
       from unnest($1::text[], $2::int[], $3::bigint[]) as c(t, p, next)
       join log_record r on r.topic = c.t and r.partition = c.p and r."offset" < c.next
       left join audit_event a on a.topic = r.topic and a.partition = r.partition and a.log_offset = r."offset"`,
    [cut.map(c => c.topic), cut.map(c => c.partition), cut.map(c => c.next)],
  );
  return {
    events: Number(row?.events ?? 0),
    missing: Number(row?.missing ?? 0),
    differing: Number(row?.differing ?? 0),
  };
}
