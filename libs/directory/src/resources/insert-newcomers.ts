import { binaryArray, plannedForOne, rows, type Queryable, type Statement } from '@sever/postgres';
import type { NewResource } from './scim-resource-store.js';

/** The newcomer at place `n` of those given was stored. */
export type InsertedResource = { n: number; version: number; createdAt: Date; modifiedAt: Date };

/** As {@link lockUserName}, for several names and without waiting: whether each is held by this transaction now. */
export async function tryLockUserNames(
  on: Queryable,
  names: readonly { tenant: string; userNameNorm: string }[],
): Promise<boolean[]> {
  const found = await rows<{ isHeld: boolean }>(
    on,
    `select pg_try_advisory_xact_lock(hashtextextended(tenant || e'\\n' || name, 0)) as "isHeld"
       from unnest($1::text[], $2::text[]) with ordinality as u(tenant, name, n) order by n`,
    [binaryArray('text', names, p => p.tenant), binaryArray('text', names, p => p.userNameNorm)],
  );
  return found.map(row => row.isHeld);
}

/**
 * Stores several users, each only if nobody of the tenant has the name and nobody of the connection the `externalId`: who could be somebody known
 * is left out. Their names are locked by the transaction. The looks are subqueries with a limit, not joins: joined, an index that was empty when the
 * statement was prepared is read from end to end.
 */
export const insertNewcomers = (people: readonly NewResource[]): Statement => ({
  sql: `insert into scim_resource (connection, id, tenant, subject, attributes, user_name_norm, external_id, active)
    select g_connection, g_id, g_tenant, g_subject, g_attributes, g_name, g_external_id, g_active
      from unnest($1::text[], $2::uuid[], $3::text[], $4::uuid[], $5::jsonb[], $6::text[], $7::text[], $8::bool[])
        with ordinality as g(g_connection, g_id, g_tenant, g_subject, g_attributes, g_name, g_external_id, g_active, place)
     where ${plannedForOne('place')}
       and (select true from scim_resource r where r.tenant = g_tenant and r.user_name_norm = g_name and r.deleted_at is null limit 1) is null
       and (select true from scim_resource r
             where r.connection = g_connection and r.external_id = g_external_id and r.deleted_at is null limit 1) is null
    returning array_position($2::uuid[], id) - 1 as n, version, created_at as "createdAt", modified_at as "modifiedAt"`,
  parameters: [
    binaryArray('text', people, p => p.connection),
    binaryArray('uuid', people, p => p.id),
    binaryArray('text', people, p => p.tenant),
    binaryArray('uuid', people, p => p.subject),
    binaryArray('jsonb', people, p => JSON.stringify(p.attributes)),
    binaryArray('text', people, p => p.userNameNorm),
    binaryArray('text', people, p => p.externalId),
    people.map(p => p.active),
  ],
});

/** The people of those users who were stored; `inserted` names their {@link InsertedResource}s. */
export const subjectsOfInserted = (inserted: string, people: readonly NewResource[]): Statement => ({
  sql: `insert into subject (id, tenant, user_name_norm)
    select u.id, u.tenant, u.name from unnest($1::uuid[], $2::text[], $3::text[]) with ordinality as u(id, tenant, name, place)
      join ${inserted} on ${inserted}.n = u.place - 1`,
  parameters: [
    binaryArray('uuid', people, p => p.subject),
    binaryArray('text', people, p => p.tenant),
    binaryArray('text', people, p => p.userNameNorm),
  ],
});
