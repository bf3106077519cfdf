import { oneRow, type Queryable } from '@sever/postgres';

export type StoredBreaker = {
  breaker: 'closed' | 'open' | 'halfOpen';
  cause: string | null;
  openedAt: Date | null;
};

export async function readHealth(on: Queryable, instance: string): Promise<StoredBreaker | undefined> {
  return oneRow<StoredBreaker>(
    on,
    'select breaker, cause, opened_at as "openedAt" from connector_health where instance = $1',
    [instance],
  );
}

export async function saveBreaker(on: Queryable, instance: string, b: StoredBreaker): Promise<void> {
  await on.query(
    `insert into connector_health (instance, breaker, cause, opened_at) values ($1, $2, $3, $4)
     on conflict (instance) do update set breaker = excluded.breaker, cause = excluded.cause, opened_at = excluded.opened_at, updated_at = clock_timestamp()`,
    [instance, b.breaker, b.cause, b.openedAt],
  );
}

export async function saveCounts(
  on: Queryable,
  instance: string,
  c: { lag: number; parked: number; retrying: number },
): Promise<void> {
  await on.query(
    `insert into connector_health (instance, breaker, lag, parked, retrying) values ($1, 'closed', $2, $3, $4)
     on conflict (instance) do update set lag = excluded.lag, parked = excluded.parked, retrying = excluded.retrying, updated_at = clock_timestamp()`,
    [instance, c.lag, c.parked, c.retrying],
  );
}
