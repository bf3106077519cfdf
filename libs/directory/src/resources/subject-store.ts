import { randomUUID } from 'node:crypto';
import { oneRow, rows, type Queryable } from '@sever/postgres';

/** A person in a tenant: a random id that says nothing, and the user name in the form in which names are compared. */
export type Subject = { id: string; tenant: string; userNameNorm: string };

const COLUMNS = `id, tenant, user_name_norm as "userNameNorm"`;

export async function createSubject(on: Queryable, tenant: string, userNameNorm: string): Promise<Subject> {
  const subject = { id: randomUUID(), tenant, userNameNorm };
  await on.query('insert into subject (id, tenant, user_name_norm) values ($1, $2, $3)', [
    subject.id,
    tenant,
    userNameNorm,
  ]);
  return subject;
}

/**
 * Lets one transaction at a time look for a person by a name and make one: two connections that bring somebody at the same moment must not make
 * two people. A statement of its own, since the next one must see what the one before has committed.
 */
export async function lockUserName(on: Queryable, tenant: string, userNameNorm: string): Promise<void> {
  await on.query(`select pg_advisory_xact_lock(hashtextextended($1 || e'\\n' || $2, 0))`, [
    tenant,
    userNameNorm,
  ]);
}

/** The person behind a live resource of another connection of the tenant with the same user name. */
export async function linkedSubject(
  on: Queryable,
  tenant: string,
  connection: string,
  userNameNorm: string,
): Promise<string | undefined> {
  const row = await oneRow<{ subject: string }>(
    on,
    `select subject from scim_resource where tenant = $1 and user_name_norm = $2 and connection <> $3 and deleted_at is null
      order by active desc, created_at limit 1`,
    [tenant, userNameNorm, connection],
  );
  return row?.subject;
}

export async function renameSubject(on: Queryable, id: string, userNameNorm: string): Promise<void> {
  await on.query('update subject set user_name_norm = $2 where id = $1', [id, userNameNorm]);
}

/** Who a name means: holders of a live resource first, then the person known latest by it. */
export const subjectByUserName = (
  on: Queryable,
  tenant: string,
  userNameNorm: string,
): Promise<Subject | undefined> =>
  oneRow<Subject>(
    on,
    `select ${COLUMNS} from subject p where tenant = $1 and user_name_norm = $2
      order by exists (select 1 from scim_resource r where r.subject = p.id and r.deleted_at is null and r.active) desc,
               exists (select 1 from scim_resource r where r.subject = p.id and r.deleted_at is null) desc, created_at desc limit 1`,
    [tenant, userNameNorm],
  );

/** Everybody whom a name means or meant: the latest rename of a user is remembered. */
export const subjectsByUserName = async (
  on: Queryable,
  tenant: string | undefined,
  userNameNorm: string,
): Promise<string[]> =>
  (
    await rows<{ id: string }>(
      on,
      `select id from subject where ($1::text is null or tenant = $1) and user_name_norm = $2
       union select subject from scim_resource where ($1::text is null or tenant = $1) and former_name = $2`,
      [tenant ?? null, userNameNorm],
    )
  ).map(row => row.id);

export const subjectsByExternalId = (on: Queryable, tenant: string, externalId: string): Promise<Subject[]> =>
  rows<Subject>(
    on,
    `select distinct p.id, p.tenant, p.user_name_norm as "userNameNorm" from scim_resource r join subject p on p.id = r.subject
      where r.tenant = $1 and r.external_id = $2 and r.deleted_at is null`,
    [tenant, externalId],
  );

export const subjectById = (on: Queryable, tenant: string, id: string): Promise<Subject | undefined> =>
  oneRow<Subject>(on, `select ${COLUMNS} from subject where tenant = $1 and id::text = $2`, [tenant, id]);
