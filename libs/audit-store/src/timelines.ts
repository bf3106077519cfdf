import { rows, type Queryable } from '@sever/postgres';

/** One event of an opt-out as people follow it; `at` in RFC 3339, `actor` an id. */
export type TimelineEntry = { id: string; type: string; at: string; actor: string; connector: string | null };

/** The events of opt-outs in the order in which they happened. */
export async function timelines(
  on: Queryable,
  optOutIds: readonly string[],
): Promise<Map<string, TimelineEntry[]>> {
  const found = await rows<{
    optOut: string;
    id: string;
    type: string;
    time: Date;
    actor: string;
    connector: string | null;
  }>(
    on,
    `select opt_out_id as "optOut", event_id as id, type, time, actor_id as actor, connector from audit_event
      where opt_out_id = any($1) order by time, topic desc, log_offset`,
    [optOutIds],
  );
  const lines = new Map<string, TimelineEntry[]>();
  for (const { optOut, time, ...entry } of found) {
    const line = lines.get(optOut) ?? [];
    line.push({
      id: entry.id,
      type: entry.type,
      at: time.toISOString(),
      actor: entry.actor,
      connector: entry.connector,
    });
    lines.set(optOut, line);
  }
  return lines;
}
