import { oneRow, rows, type Queryable } from '@sever/postgres';
import { namesOfSubjectSql } from '../resources/former-name.js';
import { knownNameSql, type KnownName } from '../resources/known-name.js';

/** An opt-out that waits for an operator. */
export type StagedOptOut = KnownName & {
  optOutId: string;
  subject: string;
  /** Somebody else of the tenant, not opted out, has the user name now: a cut would hit them. */
  isReclaimed: boolean;
};

/** Which of those that wait: all of a tenant, or those that one source opened. `after` continues behind an id. */
export type StagedFilter = { tenant: string; source: string | null; after: string | null };

const WAITING = `standing_opt_out s where s.staged and s.tenant = $1 and ($2::text is null or s.counts_for = $2)
  and ($3::uuid is null or s.opt_out_id > $3)`;

/** Locks some of those that wait, in the order of their ids. */
export const lockStaged = (on: Queryable, f: StagedFilter, limit: number): Promise<StagedOptOut[]> =>
  rows<StagedOptOut>(
    on,
    `with waiting as (select s.opt_out_id, s.tenant, s.subject from ${WAITING} order by s.opt_out_id limit $4 for update)
     ${KNOWN_AS} order by w.opt_out_id`,
    [f.tenant, f.source, f.after, limit],
  );

/** One that waits, as {@link lockStaged} gives it; its standing is locked already. */
export const stagedOptOut = (on: Queryable, optOutId: string): Promise<StagedOptOut | undefined> =>
  oneRow<StagedOptOut>(
    on,
    `with waiting as (select opt_out_id, tenant, subject from standing_opt_out where opt_out_id = $1 and staged) ${KNOWN_AS}`,
    [optOutId],
  );

const KNOWN_AS = `select w.opt_out_id as "optOutId", w.subject, coalesce(r."userName", p.user_name_norm) as "userName", r."externalId", r."formerUserName",
    exists (select 1 from ${namesOfSubjectSql} had join scim_resource o on o.tenant = w.tenant and o.user_name_norm = had.name
        where o.subject <> w.subject and o.deleted_at is null and o.active
        and not exists (select 1 from standing_opt_out x where x.tenant = o.tenant and x.subject = o.subject
                         and x.phase <> 'restored' and not x.rehired and not x.staged)) as "isReclaimed"
  from waiting w join subject p on p.id = w.subject
  left join lateral (${knownNameSql('w.subject')}) r on true`;

/** How many wait. */
export async function countStaged(on: Queryable, f: StagedFilter): Promise<number> {
  const row = await oneRow<{ n: number }>(on, `select count(*)::int as n from ${WAITING}`, [
    f.tenant,
    f.source,
    f.after,
  ]);
  return row?.n ?? 0;
}

/** They wait no longer and are carried out. */
export async function approveStandings(on: Queryable, optOutIds: readonly string[]): Promise<void> {
  await on.query('update standing_opt_out set staged = false where opt_out_id = any($1)', [optOutIds]);
}

/** They wait no longer and have ended: nothing was taken. */
export async function endStagedStandings(on: Queryable, optOutIds: readonly string[]): Promise<void> {
  await on.query(
    `update standing_opt_out set staged = false, phase = 'restored' where opt_out_id = any($1) and staged`,
    [optOutIds],
  );
}
