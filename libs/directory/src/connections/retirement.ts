import { oneRow, rows, type Queryable } from '@sever/postgres';
import { DirectoryError } from '../directory-error.js';
import { revokeTokens } from './connection-tokens.js';
import { unknownConnection } from './connections.js';
import { revokeOAuthClients } from './oauth-clients.js';

/** What becomes of the people who are still active through a connection that ends. */
export type PeopleDecision = 'keep' | 'opt-out';

/** A person whom a connection holds as active and who has no opt-out. */
export type ActivePerson = {
  subject: string;
  userName: string;
  /** How many other connections of the tenant hold this person as active. */
  otherConnections: number;
};

/** Active, and no opt-out stands that is carried out: the one question of whom a decision is needed for. */
const STILL_ACTIVE = `from scim_resource r
  where r.connection = $1 and r.deleted_at is null and r.active
    and not exists (select 1 from standing_opt_out s where s.tenant = r.tenant and s.subject = r.subject
                     and s.phase <> 'restored' and not s.rehired and not s.staged)`;

export async function countActivePeople(on: Queryable, connection: string): Promise<number> {
  const row = await oneRow<{ n: string }>(on, `select count(*) as n ${STILL_ACTIVE}`, [connection]);
  return Number(row?.n ?? 0);
}

/**
 * A page of the people who are still active through a connection, in the order of an id that never changes, so that a walk
 * meets everybody while others leave. `next` is the cursor of the page that follows.
 */
export async function activePeople(
  on: Queryable,
  connection: string,
  o: { after?: string; limit: number },
): Promise<{ items: ActivePerson[]; next: string | null }> {
  const found = await rows<ActivePerson & { id: string }>(
    on,
    `select r.id, r.subject, r.attributes ->> 'userName' as "userName",
            (select count(distinct x.connection)::int from scim_resource x where x.subject = r.subject and x.connection <> $1
                and x.deleted_at is null and x.active) as "otherConnections"
       ${STILL_ACTIVE} and ($2::uuid is null or r.id > $2) order by r.id limit $3`,
    [connection, o.after ?? null, o.limit + 1],
  );
  const page = found.slice(0, o.limit);
  const next = found.length > o.limit ? (page.at(-1)?.id ?? null) : null;
  return {
    items: page.map(({ subject, userName, otherConnections }) => ({ subject, userName, otherConnections })),
    next,
  };
}

/** Whether the retirement of a connection decided to opt its people out, and this is one of them. */
export async function isOptedOutByRetirement(
  on: Queryable,
  { tenant, subject, connection }: { tenant: string; subject: string; connection: string },
): Promise<boolean> {
  const row = await oneRow<object>(
    on,
    `select 1 from connection c where c.id = $1 and c.tenant = $2 and c.people_after = 'opt-out'
        and exists (select 1 from scim_resource r where r.connection = c.id and r.subject::text = $3 and r.deleted_at is null and r.active)`,
    [connection, tenant, subject],
  );
  return row !== undefined;
}

export type Retirement = {
  tenant: string;
  peopleAfter: 'nobody' | PeopleDecision;
  reason: string;
  retiredAt: Date;
  /** Nothing changed: this is the retirement that was. */
  isRepeated: boolean;
};

/**
 * Ends a connection: nothing opens it any more; it and its people stay in history. Asking again gives the retirement that was,
 * which may go from keeping people to opting them out and never back.
 * @throws DirectoryError `connection.unknown`, `connection.people-active`, `connection.decided`
 */
export async function retireConnection(
  on: Queryable,
  connection: string,
  asked: { by: string; reason: string; people?: PeopleDecision },
): Promise<Retirement> {
  const row = await oneRow<{
    tenant: string;
    at: Date | null;
    after: Retirement['peopleAfter'] | null;
    reason: string | null;
  }>(
    on,
    `select tenant, retired_at as at, people_after as after, retired_reason as reason from connection where id = $1 for update`,
    [connection],
  );
  if (!row) throw unknownConnection(connection);
  if (row.at && (asked.people === undefined || asked.people === row.after))
    return {
      tenant: row.tenant,
      peopleAfter: row.after ?? 'keep',
      reason: row.reason ?? '',
      retiredAt: row.at,
      isRepeated: true,
    };
  if (row.after === 'opt-out')
    throw new DirectoryError(
      'connection.decided',
      'opt-outs were decided for the people of this connection; give one back with sever restore',
    );
  const peopleAfter = asked.people ?? (await nobodyActive(on, connection));
  await revokeTokens(on, connection);
  await revokeOAuthClients(on, connection);
  const done = await oneRow<{ at: Date }>(
    on,
    `update connection set retired_at = coalesce(retired_at, clock_timestamp()), retired_by = $2, retired_reason = $3,
            people_after = $4 where id = $1 returning retired_at as at`,
    [connection, asked.by, asked.reason, peopleAfter],
  );
  const retiredAt = done?.at ?? new Date();
  return { tenant: row.tenant, peopleAfter, reason: asked.reason, retiredAt, isRepeated: false };
}

async function nobodyActive(on: Queryable, connection: string): Promise<'nobody'> {
  const active = await countActivePeople(on, connection);
  if (active > 0)
    throw new DirectoryError(
      'connection.people-active',
      `${active} people are active through ${connection}; decide for them: opt all of them out (--opt-out-all), or keep them as they are (--keep)`,
    );
  return 'nobody';
}
