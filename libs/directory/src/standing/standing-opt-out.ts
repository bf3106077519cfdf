import type { Asker } from '@sever/event-contracts';
import { isUniqueViolation, oneRow, rows, type Queryable, type Statement } from '@sever/postgres';
import { namesOfSubjectSql } from '../resources/former-name.js';

/**
 * What may still be asked about a person's opt-out. `open`: being cut, cut or held · `purging` and `purged`: nothing can be
 * given back · `cut-only`: closed without a purge, may be restored.
 */
export type StandingPhase = 'open' | 'restoring' | 'restored' | 'purging' | 'purged' | 'cut-only';

/** The authoritative, transactional answer to "does an opt-out stand, and who keeps it standing". */
export type Standing = {
  optOutId: string;
  tenant: string;
  subject: string;
  phase: StandingPhase;
  askers: Asker[];
  legalHold: boolean;
  rehired: boolean;
  /** Held by the governor: nothing is done before an operator approves it. */
  staged: boolean;
};

const COLUMNS = `opt_out_id as "optOutId", tenant, subject, phase, askers, legal_hold as "legalHold", rehired, staged`;

/** The newest opt-out of a person, locked until the transaction ends: whoever asks next waits for the outcome of this one. */
export const lockStanding = (on: Queryable, tenant: string, subject: string): Promise<Standing | undefined> =>
  oneRow<Standing>(
    on,
    `select ${COLUMNS} from standing_opt_out where tenant = $1 and subject = $2 order by since desc limit 1 for update`,
    [tenant, subject],
  );

export const lockStandingById = (on: Queryable, optOutId: string): Promise<Standing | undefined> =>
  oneRow<Standing>(on, `select ${COLUMNS} from standing_opt_out where opt_out_id = $1 for update`, [
    optOutId,
  ]);

/** Several at once, locked in the order of their ids so that two transactions cannot wait for each other. */
export const lockStandings = (on: Queryable, optOutIds: readonly string[]): Promise<Standing[]> =>
  rows<Standing>(
    on,
    `select ${COLUMNS} from standing_opt_out where opt_out_id = any($1) order by opt_out_id for update`,
    [optOutIds],
  );

/** An opt-out that begins; `requestEvent` is the event that tells it. */
export type NewStanding = Pick<Standing, 'optOutId' | 'tenant' | 'subject' | 'askers' | 'staged'> & {
  requestEvent: string;
  /** The source in whose window it counts; null when the governor is off or lets it through uncounted. */
  countsFor: string | null;
};

const OPEN = `insert into standing_opt_out (opt_out_id, tenant, subject, request_event, phase, askers, staged, counts_for)
  select $1::uuid, $2::text, $3::uuid, $4::uuid, 'open', $5::jsonb, $6::boolean, $7::text`;
/** Somebody who comes and goes counts once. */
const COUNTS_NO_MORE = `with former as (update standing_opt_out set counts_for = null where tenant = $2 and subject = $3 and counts_for = $7)`;

/** Opens an opt-out. Somebody else may do the same at this moment: see {@link isOpenedTwice}. */
export async function openStanding(on: Queryable, s: NewStanding): Promise<void> {
  await on.query(`${COUNTS_NO_MORE} ${OPEN}`, openParameters(s));
}

/** The same beside a change of one row, named `changed`, in one statement: opens an opt-out when there was a change. */
export const standingOpenedBy = (changed: string, s: NewStanding): Statement => ({
  sql: `${OPEN} from ${changed}`,
  parameters: openParameters(s),
});

const openParameters = (s: NewStanding): unknown[] => [
  s.optOutId,
  s.tenant,
  s.subject,
  s.requestEvent,
  JSON.stringify(s.askers),
  s.staged,
  s.countsFor,
];

/** Whether a write failed because another one opened the person's opt-out first: repeated, it sees that opt-out. */
export const isOpenedTwice = (error: unknown): boolean => isUniqueViolation(error, 'standing_open');

export async function setAskers(on: Queryable, optOutId: string, askers: readonly Asker[]): Promise<void> {
  await on.query('update standing_opt_out set askers = $2 where opt_out_id = $1', [
    optOutId,
    JSON.stringify(askers),
  ]);
}

export async function setPhase(on: Queryable, optOutId: string, phase: StandingPhase): Promise<void> {
  await on.query('update standing_opt_out set phase = $2 where opt_out_id = $1', [optOutId, phase]);
}

export async function setLegalHold(on: Queryable, optOutId: string, held: boolean): Promise<void> {
  await on.query('update standing_opt_out set legal_hold = $2 where opt_out_id = $1', [optOutId, held]);
}

export async function setRehired(on: Queryable, optOutId: string): Promise<void> {
  await on.query('update standing_opt_out set rehired = true where opt_out_id = $1', [optOutId]);
}

/**
 * The standing without those who ask for it by a connection that is retired: nobody can take that back any more, and it must not outlast the wish of all
 * who can. Whoever asked through a connection that is in use has to take it back as ever.
 */
export async function withoutRetiredAskers(on: Queryable, standing: Standing): Promise<Standing> {
  const ids = standing.askers.filter(asker => asker.kind === 'connection').map(asker => asker.id);
  const retired = await rows<{ id: string }>(
    on,
    'select id from connection where id = any($1) and retired_at is not null',
    [ids],
  );
  const isRetired = (asker: Asker): boolean =>
    asker.kind === 'connection' && retired.some(({ id }) => id === asker.id);
  return { ...standing, askers: standing.askers.filter(asker => !isRetired(asker)) };
}

export const standsAgainst = (s: Standing): boolean => s.phase !== 'restored' && !s.rehired;

/** Whether a name is on the deny list, and since when. A name that was given up by a rename stays there until somebody else has it. */
export async function isOptedOut(
  on: Queryable,
  tenant: string,
  userNameNorm: string,
): Promise<{ optedOut: boolean; since: string | null }> {
  const row = await oneRow<{ since: Date }>(
    on,
    `select s.since from (select id from subject where tenant = $1 and user_name_norm = $2
                           union select subject from scim_resource where tenant = $1 and former_name = $2) p
       join lateral (select * from standing_opt_out o where o.tenant = $1 and o.subject = p.id order by o.since desc limit 1) s on true
      where s.phase <> 'restored' and not s.rehired and not s.staged
        and not exists (select 1 from scim_resource r where r.tenant = $1 and r.user_name_norm = $2
                         and r.subject <> p.id and r.deleted_at is null and r.active)
      order by s.since desc limit 1`,
    [tenant, userNameNorm],
  );
  return { optedOut: row !== undefined, since: row?.since.toISOString() ?? null };
}

/** Another person of the tenant, not opted out or not yet, who now holds the same user name, or the one that was given up lately. */
export async function otherLiveSubject(
  on: Queryable,
  tenant: string,
  subject: string,
): Promise<string | undefined> {
  const row = await oneRow<{ subject: string }>(
    on,
    `select r.subject from subject p
       cross join lateral ${namesOfSubjectSql} had
       join scim_resource r on r.tenant = p.tenant and r.user_name_norm = had.name and r.subject <> p.id
        and r.deleted_at is null and r.active
      where p.tenant = $1 and p.id = $2
        and not exists (select 1 from standing_opt_out s where s.tenant = r.tenant and s.subject = r.subject
                         and s.phase <> 'restored' and not s.rehired and not s.staged)
     union all
     select s.subject from subject p
       join subject o on o.tenant = p.tenant and o.user_name_norm = p.user_name_norm and o.id <> p.id
       join standing_opt_out s on s.tenant = o.tenant and s.subject = o.id and s.staged
      where p.tenant = $1 and p.id = $2
      limit 1`,
    [tenant, subject],
  );
  return row?.subject;
}
