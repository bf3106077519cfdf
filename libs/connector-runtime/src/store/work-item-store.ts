import type { Stage, Step } from '@sever/event-contracts';
import { changed, oneRow, rows, type Queryable, type Statement } from '@sever/postgres';

export type WorkState = 'running' | 'retrying' | 'parked' | 'waiting' | 'done' | 'superseded';

/** One piece of work: an event that asks this instance to do something about a person. */
export type WorkItem = {
  requestEvent: string;
  key: string;
  optOutId: string;
  stage: Stage;
  event: Buffer;
  state: WorkState;
  /** Tries that count; a vendor's rate limit and a refused permit do not. */
  tries: number;
  /** Steps that a named person accepted as not done. */
  waived: Step[];
  /** Number of this run over the work, from 1. */
  runs: number;
  /** Whether this instance had work for the person before, as far as was looked. */
  isFirstOfKey?: boolean;
};

const COLUMNS = `request_event as "requestEvent", key, opt_out_id as "optOutId", stage, event, state, tries, waived, runs`;
/** How long the work of a process that died stays untouched; renewed three times as often. */
const LEASE = '20 seconds';
const OPEN = `('running', 'retrying', 'parked', 'waiting')`;

export type NewWork = Pick<WorkItem, 'requestEvent' | 'key' | 'optOutId' | 'stage' | 'event'> & {
  traceparent: string | undefined;
};

/**
 * Stores a piece of work and takes it, in one statement: the durable row that precedes the first call. Behind unfinished older
 * work of the same person it waits.
 * @returns the item as it now stands; one that was stored before keeps its state
 */
export async function takeWork(
  on: Queryable,
  instance: string,
  owner: string,
  work: NewWork,
): Promise<WorkItem> {
  const row = await oneRow<WorkItem>(
    on,
    `insert into work_item (instance, request_event, key, opt_out_id, stage, event, traceparent, state, owner, lease_until)
     select $1, $2, $3, $4, $5, $6, $7,
            case when exists (select 1 from work_item w where w.instance = $1 and w.key = $3 and w.state in ${OPEN} and w.request_event <> $2)
                 then 'waiting' else 'running' end, $8, clock_timestamp() + interval '${LEASE}'
     on conflict (instance, request_event) do update
       set owner = case when work_item.state = 'running' then excluded.owner else work_item.owner end,
           lease_until = case when work_item.state = 'running' then excluded.lease_until else work_item.lease_until end,
           runs = work_item.runs + case when work_item.state = 'running' then 1 else 0 end
     returning ${COLUMNS},
       not exists (select 1 from work_item w where w.instance = $1 and w.key = $3 and w.request_event <> $2) as "isFirstOfKey"`,
    [
      instance,
      work.requestEvent,
      work.key,
      work.optOutId,
      work.stage,
      work.event,
      work.traceparent ?? null,
      owner,
    ],
  );
  if (!row) throw new Error('stored work was not returned');
  return row;
}

/**
 * Takes up to `limit` pieces whose next try is due. What a dead process left behind counts as due: work whose lease ran out, and
 * work that waits although nothing older of its person is open.
 */
export function claimDueWork(
  on: Queryable,
  instance: string,
  owner: string,
  limit: number,
): Promise<WorkItem[]> {
  return rows<WorkItem>(
    on,
    `update work_item set state = 'running', runs = runs + 1, owner = $2, lease_until = clock_timestamp() + interval '${LEASE}'
      where (instance, request_event) in (
        select instance, request_event from work_item
         where instance = $1 and ((state = 'retrying' and due_at <= clock_timestamp())
            or (state = 'running' and lease_until < clock_timestamp())
            or (state = 'waiting' and not exists (
                  select 1 from work_item o where o.instance = $1 and o.key = work_item.key and o.seq < work_item.seq and o.state in ${OPEN})))
         order by due_at nulls first limit $3 for update skip locked)
     returning ${COLUMNS}`,
    [instance, owner, limit],
  );
}

/** The oldest waiting piece of a person, when nothing older is open. */
export function takeNextOfKey(
  on: Queryable,
  instance: string,
  owner: string,
  key: string,
): Promise<WorkItem | undefined> {
  return oneRow<WorkItem>(
    on,
    `update work_item set state = 'running', runs = runs + 1, owner = $2, lease_until = clock_timestamp() + interval '${LEASE}'
      where instance = $1 and request_event = (
        select request_event from work_item where instance = $1 and key = $3 and state in ${OPEN} order by seq limit 1)
        and state = 'waiting'
     returning ${COLUMNS}`,
    [instance, owner, key],
  );
}

/** Whether a run that was claimed a while ago is still the current one; if so its lease begins anew. */
export async function confirmRun(
  on: Queryable,
  instance: string,
  owner: string,
  run: Pick<WorkItem, 'requestEvent' | 'runs'>,
): Promise<boolean> {
  const confirmed = await changed(
    on,
    `update work_item set lease_until = clock_timestamp() + interval '${LEASE}'
      where instance = $1 and request_event = $2 and owner = $3 and runs = $4 and state = 'running'`,
    [instance, run.requestEvent, owner, run.runs],
  );
  return confirmed > 0;
}

/** Extends the lease of work that takes long; false when it is no longer this process's. */
export async function renewLease(
  on: Queryable,
  instance: string,
  owner: string,
  requestEvent: string,
): Promise<boolean> {
  const renewed = await changed(
    on,
    `update work_item set lease_until = clock_timestamp() + interval '${LEASE}' where instance = $1 and request_event = $2 and owner = $3 and state = 'running'`,
    [instance, requestEvent, owner],
  );
  return renewed > 0;
}

/** Ends a run. Work that was superseded, settled or begun anew meanwhile is left as it is. */
export function workSettled(
  instance: string,
  run: Pick<WorkItem, 'requestEvent' | 'runs'>,
  s: { state: WorkState; tries: number; dueAt: Date | null },
): Statement {
  return {
    sql: `update work_item set state = $4, tries = $5, due_at = $6, owner = null, lease_until = null
      where instance = $1 and request_event = $2 and runs = $3 and state = 'running'`,
    parameters: [instance, run.requestEvent, run.runs, s.state, s.tries, s.dueAt],
  };
}

/** A restore takes the place of every unfinished cut of the same opt-out. */
export async function supersedeCut(on: Queryable, instance: string, optOutId: string): Promise<void> {
  await on.query(
    `update work_item set state = 'superseded', due_at = null, owner = null where instance = $1 and opt_out_id = $2 and stage = 'cut' and state in ${OPEN}`,
    [instance, optOutId],
  );
}

/** Whether a cut of another opt-out of the same person came after this opt-out's: whoever withdrew the older one is overruled. */
export async function isOvertaken(
  on: Queryable,
  instance: string,
  work: Pick<WorkItem, 'key' | 'optOutId'>,
): Promise<boolean> {
  const row = await oneRow(
    on,
    `select 1 as one from work_item newer
      where newer.instance = $1 and newer.key = $2 and newer.stage = 'cut' and newer.opt_out_id <> $3
        and newer.seq > coalesce((select max(own.seq) from work_item own
                                   where own.instance = $1 and own.opt_out_id = $3 and own.stage = 'cut'), 0) limit 1`,
    [instance, work.key, work.optOutId],
  );
  return row !== undefined;
}

/** Takes the unfinished restores of a person's other opt-outs that wait for a later try or for a person. */
export function takeOvertakenRestores(
  on: Queryable,
  instance: string,
  owner: string,
  work: Pick<WorkItem, 'key' | 'optOutId'>,
): Promise<WorkItem[]> {
  return rows<WorkItem>(
    on,
    `update work_item set runs = runs + 1, state = 'running', owner = $2, due_at = null, lease_until = clock_timestamp() + interval '${LEASE}'
      where instance = $1 and key = $3 and opt_out_id <> $4 and stage = 'restore' and state in ('retrying', 'parked', 'waiting')
      returning ${COLUMNS}`,
    [instance, owner, work.key, work.optOutId],
  );
}

/** Makes unfinished work of an opt-out due at once, with a fresh count of tries. */
export async function hasten(on: Queryable, instance: string, optOutId: string): Promise<void> {
  await on.query(
    `update work_item set state = 'retrying', tries = 0, due_at = clock_timestamp() where instance = $1 and opt_out_id = $2 and state in ('retrying', 'parked')`,
    [instance, optOutId],
  );
}

/** Records accepted omissions on all work of an opt-out, and makes unfinished work due. */
export async function waiveSteps(
  on: Queryable,
  instance: string,
  optOutId: string,
  steps: readonly Step[],
): Promise<void> {
  await on.query(
    `update work_item set waived = array(select distinct unnest(waived || $3::text[])) where instance = $1 and opt_out_id = $2`,
    [instance, optOutId, steps],
  );
  await hasten(on, instance, optOutId);
}

/** After an outage every later try is due. */
export async function hastenAll(on: Queryable, instance: string): Promise<void> {
  await on.query(
    `update work_item set due_at = clock_timestamp() where instance = $1 and state = 'retrying'`,
    [instance],
  );
}

/** Counts by state, and the next due time. */
export async function workOverview(
  on: Queryable,
  instance: string,
): Promise<{ parked: number; retrying: number; nextDue: Date | null }> {
  const row = await oneRow<{ parked: string; retrying: string; next: Date | null }>(
    on,
    `select count(*) filter (where state = 'parked') as parked, count(*) filter (where state = 'retrying') as retrying,
            min(due_at) filter (where state = 'retrying') as next
       from work_item where instance = $1 and state in ('retrying', 'parked')`,
    [instance],
  );
  return {
    parked: Number(row?.parked ?? 0),
    retrying: Number(row?.retrying ?? 0),
    nextDue: row?.next ?? null,
  };
}
