import { changed, rows, type Queryable } from '@sever/postgres';

/** A request whose answer was sent before it was done. */
export type NewCompletion = {
  connection: string;
  /** What the client was told as `Set-Txn`. */
  txn: string;
  method: string;
  /** Address of the resource below the connection's. */
  uri: string;
  /** Entity tag of the resource as the request left it; null when it is gone. */
  version: string | null;
  /** Status that the request would have been answered with. */
  status: string;
  /** The opt-out that must come to its cut, or be given back, before the request is done. */
  waitsFor: { optOutId: string; awaits: 'cut' | 'restore' } | undefined;
};

/** A request that is done. `isReached` is false when what it asked for did not happen: somebody else decided otherwise meanwhile. */
export type Completion = {
  jti: string;
  txn: string;
  method: string;
  uri: string;
  version: string | null;
  status: string;
  isReached: boolean;
  completedAt: Date;
};

/** In the transaction of the request itself. */
export async function addCompletion(on: Queryable, c: NewCompletion): Promise<void> {
  await on.query(
    `insert into scim_completion (connection, txn, method, uri, version, status, opt_out_id, awaits)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      ...[c.connection, c.txn, c.method, c.uri, c.version, c.status],
      ...[c.waitsFor?.optOutId ?? null, c.waitsFor?.awaits ?? null],
    ],
  );
}

/** A cut that did not come is no failure where nothing was bound that could be cut. */
const IS_REACHED = `case c.awaits when 'cut' then o.cut_at is not null or coalesce(o.state ->> 'closedOutcome', '') = 'nothing-bound'
  when 'restore' then o.phase = 'restored' else true end`;
/** A restore may follow an opt-out that ended with its cut, and not one that was purged. */
const IS_DONE = `case c.awaits when 'cut' then o.cut_at is not null or o.phase in ('closed', 'restored')
  when 'restore' then o.phase = 'restored' or (o.phase = 'closed' and o.state ->> 'closedOutcome' = 'purged') else true end`;
const RESTORED_AT = `(o.state ->> 'restoredAt')::timestamptz`;
/** The same whenever it is asked for: a token that is sent again says what it said. */
const COMPLETED_AT = `case c.awaits when 'cut' then coalesce(o.cut_at, o.closed_at, ${RESTORED_AT}, c.requested_at)
  when 'restore' then coalesce(${RESTORED_AT}, o.closed_at, c.requested_at) else c.requested_at end`;

/** Requests of a connection that are done and not acknowledged, the oldest first. */
export const doneCompletions = (on: Queryable, connection: string, limit: number): Promise<Completion[]> =>
  rows<Completion>(
    on,
    `select c.jti, c.txn, c.method, c.uri, c.version, c.status, ${IS_REACHED} as "isReached", ${COMPLETED_AT} as "completedAt"
       from scim_completion c left join rm_opt_out o on o.opt_out_id = c.opt_out_id
      where c.connection = $1 and ${IS_DONE} order by c.requested_at, c.jti limit $2`,
    [connection, limit],
  );

/** Forgets what the client has taken over. @returns how many were there */
export const forgetCompletions = (
  on: Queryable,
  connection: string,
  jtis: readonly string[],
): Promise<number> =>
  changed(on, 'delete from scim_completion where connection = $1 and jti::text = any($2::text[])', [
    connection,
    jtis,
  ]);

/**
 * Forgets requests of all connections that were done before an instant and that nobody has acknowledged, at most `limit` of them, the
 * oldest first. What is not done is kept. @returns how many were there
 */
export const expireCompletions = (on: Queryable, doneBefore: Date, limit: number): Promise<number> =>
  changed(
    on,
    `delete from scim_completion where jti in (
       select c.jti from scim_completion c left join rm_opt_out o on o.opt_out_id = c.opt_out_id
        where c.requested_at < $1 and ${IS_DONE} and ${COMPLETED_AT} < $1
        order by c.requested_at limit $2)`,
    [doneBefore, limit],
  );
