import { oneRow } from '@sever/postgres';
import type { DataSource } from 'typeorm';

/** What waits in the log and is not in the target. `oldestSeconds` is 0 when nothing waits. */
export type RelayBacklog = { records: number; oldestSeconds: number };

/** Measures the backlog of the target that was relayed to last. */
export async function relayBacklog(dataSource: DataSource): Promise<RelayBacklog> {
  const found = await oneRow<{ records: string; oldest: string }>(
    dataSource,
    `select coalesce(sum(lp.next_offset - w.next), 0) as records,
            coalesce(greatest(extract(epoch from clock_timestamp() - min(r.ts)), 0), 0) as oldest
       from log_partition lp
       cross join lateral (select coalesce((select p.next_offset from relay_position p join relay_lease l on l.target = p.target
              where p.topic = lp.topic and p.partition = lp.partition), 0) as next) w
       left join log_record r on r.topic = lp.topic and r.partition = lp.partition and r."offset" = w.next
      where lp.next_offset > w.next`,
  );
  return { records: Number(found?.records ?? 0), oldestSeconds: Number(found?.oldest ?? 0) };
}
