import type { OutcomeState, RequestState } from '@sever/opt-out';
import { oneRow, rows, type Queryable } from '@sever/postgres';

/** One opt-out as the coordinator holds it. */
export type Coordination = {
  optOutId: string;
  request: RequestState | undefined;
  outcomes: Map<string, OutcomeState>;
  /** Keys of the decisions made. */
  decided: Set<string>;
  dueAt: Date | undefined;
  /** Latest event that was folded: the cause of the next decision. */
  cause: string | undefined;
  /** Trace of the request, carried on by every decision. */
  traceparent: string | undefined;
};

type Row = {
  id: string;
  request: RequestState | null;
  outcomes: Record<string, OutcomeState>;
  decided: string[];
  due_at: Date | null;
  cause: string | null;
  traceparent: string | null;
};

const COLUMNS = 'opt_out_id as id, request, outcomes, decided, due_at, cause, traceparent';

const fromRow = (row: Row): Coordination => ({
  optOutId: row.id,
  request: row.request ?? undefined,
  outcomes: new Map(Object.entries(row.outcomes)),
  decided: new Set(row.decided),
  dueAt: row.due_at ?? undefined,
  cause: row.cause ?? undefined,
  traceparent: row.traceparent ?? undefined,
});

export const newCoordination = (optOutId: string): Coordination => ({
  optOutId,
  request: undefined,
  outcomes: new Map(),
  decided: new Set(),
  dueAt: undefined,
  cause: undefined,
  traceparent: undefined,
});

/** Loads and locks opt-outs, in the order of their ids. */
export async function loadCoordinations(
  on: Queryable,
  ids: readonly string[],
): Promise<Map<string, Coordination>> {
  const found = await rows<Row>(
    on,
    `select ${COLUMNS} from coordination_state where opt_out_id = any($1) order by opt_out_id for update`,
    [ids],
  );
  return new Map(found.map(row => [row.id, fromRow(row)]));
}

/** Locks opt-outs whose time has come and that nobody else works on. */
export async function claimDue(on: Queryable, limit: number): Promise<Coordination[]> {
  const found = await rows<Row>(
    on,
    `select ${COLUMNS} from coordination_state where due_at <= clock_timestamp() order by due_at limit $1 for update skip locked`,
    [limit],
  );
  return found.map(fromRow);
}

/** When the next opt-out is due. */
export async function nextDueAt(on: Queryable): Promise<Date | undefined> {
  const row = await oneRow<{ due_at: Date | null }>(
    on,
    'select min(due_at) as due_at from coordination_state where due_at is not null',
  );
  return row?.due_at ?? undefined;
}

export async function saveCoordinations(on: Queryable, list: readonly Coordination[]): Promise<void> {
  if (list.length === 0) return;
  await on.query(
    `insert into coordination_state (opt_out_id, request, outcomes, decided, due_at, cause, traceparent)
     select u.id, u.request, u.outcomes, array(select jsonb_array_elements_text(u.decided)), u.due, u.cause, u.trace
       from unnest($1::uuid[], $2::jsonb[], $3::jsonb[], $4::jsonb[], $5::timestamptz[], $6::uuid[], $7::text[])
            as u(id, request, outcomes, decided, due, cause, trace)
     on conflict (opt_out_id) do update set request = excluded.request, outcomes = excluded.outcomes, decided = excluded.decided,
       due_at = excluded.due_at, cause = excluded.cause, traceparent = excluded.traceparent`,
    [
      list.map(c => c.optOutId),
      list.map(c => (c.request ? JSON.stringify(c.request) : null)),
      list.map(c => JSON.stringify(Object.fromEntries(c.outcomes))),
      list.map(c => JSON.stringify([...c.decided].sort())),
      list.map(c => c.dueAt ?? null),
      list.map(c => c.cause ?? null),
      list.map(c => c.traceparent ?? null),
    ],
  );
}
