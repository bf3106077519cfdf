import { rows, type Queryable } from '@sever/postgres';

/** One event about a person; `value` are its bytes, personal fields encrypted. */
export type SubjectEvent = {
  id: string;
  type: string;
  at: string;
  actor: string;
  optOut: string | null;
  connector: string | null;
  value: Buffer;
};

/** The events about a person of both topics, newest first. @param behind the entry after which they begin */
export async function eventsOfSubject(
  on: Queryable,
  person: { tenant: string; subject: string },
  page: { limit: number; behind: { at: string; id: string } | undefined },
): Promise<SubjectEvent[]> {
  const found = await rows<Omit<SubjectEvent, 'at'> & { time: Date }>(
    on,
    `select event_id as id, type, time, actor_id as actor, opt_out_id as "optOut", connector, value from audit_event
      where subject = $1 and subject <> '-' and tenant = $2
        and ($3::timestamptz is null or (time <= $3::timestamptz and (time, event_id) < ($3::timestamptz, $4::uuid)))
      order by time desc, event_id desc limit $5`,
    [person.subject, person.tenant, page.behind?.at ?? null, page.behind?.id ?? null, page.limit],
  );
  return found.map(({ time, ...event }) => ({ ...event, at: time.toISOString() }));
}
