import { call, eventually, sql } from '../../../harness/clients.js';
import type { OptOut } from '../../../harness/person.js';
import type { Pipeline } from '../../../harness/pipeline.js';
import type { Profile } from './profile.js';

/** Everything that was asked is done, or waits for a person. */
const isAtRest = (optOut: OptOut): boolean =>
  optOut.state === 'closed' || optOut.state === 'restored' || optOut.needsAttention;

/**
 * Waits until nothing moves any more: every opt-out at rest, every consumer at the end of the log, and the log not growing.
 * @returns the opt-outs of the tenant
 * @throws Error that says what still moves
 */
export async function comeToRest(
  pipeline: Pipeline,
  profile: Profile,
  tenant: string,
  timeoutMs: number,
): Promise<OptOut[]> {
  let before = '';
  return eventually(
    'a pipeline at rest',
    async () => {
      const optOuts = await allOptOuts(pipeline, tenant);
      const moving = optOuts.filter(o => !isAtRest(o));
      if (moving.length > 0)
        throw new Error(`${moving.length} opt-outs move: ${await whyMoving(pipeline, moving)}`);
      const lagging = await laggards(pipeline, profile);
      if (lagging.length > 0) throw new Error(`behind the log: ${lagging.slice(0, 10).join(', ')}`);
      const ends = await endsOf(pipeline);
      const same = ends === before;
      before = ends;
      return same ? optOuts : undefined;
    },
    timeoutMs,
    1_500,
  );
}

/** What people need to see why an opt-out does not end: the connectors' work on it, and its events. */
async function whyMoving(pipeline: Pipeline, moving: readonly OptOut[]): Promise<string> {
  const lines: string[] = [];
  for (const optOut of moving.slice(0, 3)) {
    const work = await sql(
      pipeline.ready.databaseUrl,
      `select w.instance, w.stage, w.state, w.runs, w.tries, w.due_at as due, w.lease_until as lease, r.partition, r."offset", g.next_offset as position
         from work_item w join log_requests r on r.event_id = w.request_event
         left join log_group_partition g on g.group_name = 'connector-' || w.instance and g.topic = 'requests' and g.partition = r.partition
        where w.opt_out_id = $1 order by w.seq`,
      [optOut.id],
    );
    const events = await sql(
      pipeline.ready.databaseUrl,
      `select to_char(ts, 'HH24:MI:SS.MS') as at, topic, partition, "offset", type, convert_from(value, 'UTF8')::jsonb -> 'data' ->> 'instance' as instance
         from log_record where headers ->> 'sever_optout' = $1 order by ts`,
      [optOut.id],
    );
    lines.push(
      optOut.id,
      optOut.state,
      ...work.map(w => JSON.stringify(w)),
      ...events.map(e => JSON.stringify(e)),
    );
  }
  return lines.join('\n  ');
}

export async function allOptOuts(pipeline: Pipeline, tenant: string): Promise<OptOut[]> {
  const { baseUrl, token } = pipeline.ready.api;
  const items: OptOut[] = [];
  let next: string | null = null;
  do {
    const cursor: string = next === null ? '' : `&cursor=${encodeURIComponent(next)}`;
    const page = await call('GET', `${baseUrl}/v1/opt-outs?tenant=${tenant}&limit=200${cursor}`, token);
    if (page.status !== 200) throw new Error(`the REST door answered ${page.status}`);
    items.push(...(page.body.items as OptOut[]));
    next = page.body.next as string | null;
  } while (next !== null);
  return items;
}

/** Consumers whose stored position is not the end. */
async function laggards(pipeline: Pipeline, profile: Profile): Promise<string[]> {
  const ends = new Map((await partitions(pipeline)).map(p => [`${p.topic}/${p.partition}`, Number(p.next)]));
  return (await profile.positions(pipeline))
    .filter(p => p.next < (ends.get(`${p.topic}/${p.partition}`) ?? 0))
    .map(p => `${p.reader} in ${p.topic}/${p.partition} at ${p.next}`);
}

const endsOf = async (pipeline: Pipeline): Promise<string> => JSON.stringify(await partitions(pipeline));

const partitions = (pipeline: Pipeline): Promise<{ topic: string; partition: number; next: string }[]> =>
  sql(
    pipeline.ready.databaseUrl,
    'select topic, partition, next_offset as next from log_partition where next_offset > 0 order by 1, 2',
  );
