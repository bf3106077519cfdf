import type { OutcomeState, RequestState } from '@sever/opt-out';
import { binaryArray, rows, type Queryable } from '@sever/postgres';
import { foldBatch, instanceRowKey, type BatchState, type PlacedEvent } from './fold-batch.js';
import { saveGroupMoves } from './group-moves.js';
import type { SubjectState } from './subject-state.js';

/** Folds a batch of events into the read models: three reads, at most three writes and the moves of groups, whatever the size of the batch. */
export async function projectReadModels(on: Queryable, events: readonly PlacedEvent[]): Promise<void> {
  const state = await loadBatch(on, events);
  const touched = foldBatch(state, events);
  if (touched.subjects.size > 0)
    await saveSubjects(
      on,
      [...touched.subjects].flatMap(key => state.subjects.get(key) ?? []),
    );
  if (touched.optOuts.size > 0)
    await saveOptOuts(
      on,
      [...touched.optOuts].flatMap(key => state.optOuts.get(key) ?? []),
    );
  if (touched.instances.size > 0)
    await saveInstances(
      on,
      [...touched.instances].flatMap(key => state.instances.get(key) ?? []),
    );
  await saveGroupMoves(on, events);
}

async function loadBatch(on: Queryable, events: readonly PlacedEvent[]): Promise<BatchState> {
  const people = new Map<string, { tenant: string; subject: string }>();
  const requested = new Set<string>();
  const reported = new Set<string>();
  for (const { topic, event } of events) {
    if (event.subject === '-') continue;
    if (topic === 'requests') people.set(`${event.tenant}\n${event.subject}`, event);
    if (event.optoutid) (topic === 'requests' ? requested : reported).add(event.optoutid);
  }
  return {
    subjects: people.size > 0 ? await loadSubjects(on, [...people.values()]) : new Map(),
    optOuts: requested.size > 0 ? await loadOptOuts(on, [...requested]) : new Map(),
    instances: reported.size > 0 ? await loadInstances(on, [...reported]) : new Map(),
  };
}

async function loadSubjects(
  on: Queryable,
  people: readonly { tenant: string; subject: string }[],
): Promise<BatchState['subjects']> {
  const found = await rows<{
    tenant: string;
    subject: string;
    lifecycle: SubjectState['lifecycle'];
    digest: string | null;
    off: string;
  }>(
    on,
    `select tenant, subject, lifecycle, identifiers_digest as digest, req_off as off from rm_subject
      where (tenant, subject) in (select * from unnest($1::text[], $2::uuid[]))`,
    [binaryArray('text', people, p => p.tenant), binaryArray('uuid', people, p => p.subject)],
  );
  return new Map(
    found.map(r => [
      `${r.tenant}\n${r.subject}`,
      {
        state: { lifecycle: r.lifecycle, identifiersDigest: r.digest },
        offset: BigInt(r.off),
        tenant: r.tenant,
        subject: r.subject,
      },
    ]),
  );
}

async function loadOptOuts(on: Queryable, ids: readonly string[]): Promise<BatchState['optOuts']> {
  const found = await rows<{ id: string; state: RequestState; off: string }>(
    on,
    'select opt_out_id as id, state, req_off as off from rm_opt_out where opt_out_id = any($1::uuid[])',
    [binaryArray('uuid', ids, id => id)],
  );
  return new Map(found.map(r => [r.id, { state: r.state, offset: BigInt(r.off) }]));
}

async function loadInstances(on: Queryable, ids: readonly string[]): Promise<BatchState['instances']> {
  const found = await rows<{ id: string; instance: string; state: OutcomeState; off: string }>(
    on,
    'select opt_out_id as id, instance, state, out_off as off from rm_instance where opt_out_id = any($1::uuid[])',
    [binaryArray('uuid', ids, id => id)],
  );
  return new Map(
    found.map(r => [instanceRowKey(r.id, r.instance), { state: r.state, offset: BigInt(r.off) }]),
  );
}

type Values<M> = M extends Map<string, infer V> ? V : never;

async function saveSubjects(on: Queryable, list: readonly Values<BatchState['subjects']>[]): Promise<void> {
  await on.query(
    `insert into rm_subject as s (tenant, subject, lifecycle, identifiers_digest, req_off)
     select * from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::bigint[])
     on conflict (tenant, subject) do update set lifecycle = excluded.lifecycle, identifiers_digest = excluded.identifiers_digest,
       req_off = excluded.req_off where s.req_off < excluded.req_off`,
    [
      binaryArray('text', list, x => x.tenant),
      binaryArray('uuid', list, x => x.subject),
      binaryArray('text', list, x => x.state.lifecycle),
      binaryArray('text', list, x => x.state.identifiersDigest),
      binaryArray('int8', list, x => Number(x.offset)),
    ],
  );
}

async function saveOptOuts(on: Queryable, list: readonly Values<BatchState['optOuts']>[]): Promise<void> {
  await on.query(
    `insert into rm_opt_out as o (opt_out_id, tenant, subject, phase, requested_at, cut_at, closed_at, state, req_off)
     select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[], $8::jsonb[], $9::bigint[])
     on conflict (opt_out_id) do update set phase = excluded.phase, cut_at = excluded.cut_at, closed_at = excluded.closed_at,
       state = excluded.state, req_off = excluded.req_off where o.req_off < excluded.req_off`,
    [
      binaryArray('uuid', list, x => x.state.optOutId),
      binaryArray('text', list, x => x.state.tenant),
      binaryArray('uuid', list, x => x.state.subject),
      binaryArray('text', list, x => x.state.phase),
      binaryArray('timestamptz', list, x => x.state.requestedAt),
      binaryArray('timestamptz', list, x => x.state.cutAt),
      binaryArray('timestamptz', list, x => x.state.closedAt),
      binaryArray('jsonb', list, x => JSON.stringify(x.state)),
      binaryArray('int8', list, x => Number(x.offset)),
    ],
  );
}

async function saveInstances(on: Queryable, list: readonly Values<BatchState['instances']>[]): Promise<void> {
  await on.query(
    `insert into rm_instance as i (opt_out_id, instance, state, out_off)
     select * from unnest($1::uuid[], $2::text[], $3::jsonb[], $4::bigint[])
     on conflict (opt_out_id, instance) do update set state = excluded.state, out_off = excluded.out_off where i.out_off < excluded.out_off`,
    [
      binaryArray('uuid', list, x => x.state.optOutId),
      binaryArray('text', list, x => x.state.instance),
      binaryArray('jsonb', list, x => JSON.stringify(x.state)),
      binaryArray('int8', list, x => Number(x.offset)),
    ],
  );
}
