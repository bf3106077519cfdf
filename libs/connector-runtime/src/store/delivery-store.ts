import type { Step } from '@sever/event-contracts';
import { oneRow, rows, type Queryable, type Statement } from '@sever/postgres';

export type DeliveryStatus = 'started' | 'verified' | 'failed' | 'unsupported' | 'restored' | 'parked';

/** The latest attempt of a step. */
export type Delivery = { step: Step; attempt: number; status: DeliveryStatus };

/** Latest attempts of a piece of work, by step. */
export async function deliveries(
  on: Queryable,
  instance: string,
  requestEvent: string,
): Promise<Map<Step, Delivery>> {
  const found = await rows<Delivery>(
    on,
    `select distinct on (step) step, attempt, status from delivery where instance = $1 and request_event = $2 order by step, attempt desc`,
    [instance, requestEvent],
  );
  return new Map(found.map(d => [d.step, d]));
}

/** Raises the attempt and writes it down before anything is sent. */
export async function beginAttempt(
  on: Queryable,
  instance: string,
  requestEvent: string,
  step: Step,
): Promise<number> {
  const row = await oneRow<{ attempt: number }>(
    on,
    `insert into delivery (instance, request_event, step, attempt, status)
     select $1, $2, $3, coalesce(max(attempt), 0) + 1, 'started' from delivery where instance = $1 and request_event = $2 and step = $3
     returning attempt`,
    [instance, requestEvent, step],
  );
  if (!row) throw new Error('the attempt was not stored');
  return row.attempt;
}

/** Writes how attempts of different steps ended. @param beside name of changed rows in the same statement: without one, nothing is written */
export function attemptsSettled(
  instance: string,
  requestEvent: string,
  ended: readonly Delivery[],
  beside?: string,
): Statement {
  const condition = beside === undefined ? 'true' : `exists (select 1 from ${beside})`;
  return {
    sql: `insert into delivery (instance, request_event, step, attempt, status, settled_at)
      select $1, $2, d.step, d.attempt, d.status, clock_timestamp() from unnest($3::text[], $4::int[], $5::text[]) d(step, attempt, status)
      where ${condition}
      on conflict (instance, request_event, step, attempt) do update set status = excluded.status, settled_at = excluded.settled_at`,
    parameters: [
      instance,
      requestEvent,
      ended.map(d => d.step),
      ended.map(d => d.attempt),
      ended.map(d => d.status),
    ],
  };
}
