import { binaryArray, plannedForOne, type Statement } from '@sever/postgres';
import type { NewStanding } from '../standing/standing-opt-out.js';
import type { StoredResource } from './scim-resource-store.js';

/** What becomes of a resource: its version is the one that was read, and with `opens` it is its person's first opt-out. */
export type ResourceChange = { resource: StoredResource; opens?: NewStanding };

/** The change at place `n` of those given was made. */
export type ChangedResource = { n: number; version: number; modifiedAt: Date };

const GIVEN = `unnest($1::text[], $2::uuid[], $3::int[], $4::jsonb[], $5::text[], $6::text[], $7::bool[], $8::bool[])
  with ordinality g(g_connection, g_id, g_version, g_attributes, g_name, g_external_id, g_active, g_opens, n)`;

/**
 * Changes several resources, each only if it still has the version that was read and, with `opens`, its person never had an opt-out. Who is held by
 * somebody else is left out rather than waited for: two such statements could otherwise wait for each other.
 */
export const changeResources = (changes: readonly ResourceChange[]): Statement => ({
  sql: `with free as materialized (
      select g.*, held.at from ${GIVEN}
        cross join lateral (select ctid as at from scim_resource where connection = g_connection and id = g_id and version = g_version
            and deleted_at is null limit 1 for no key update skip locked) held
       where ${plannedForOne('n')})
    update scim_resource r set attributes = g_attributes, user_name_norm = g_name, external_id = g_external_id, active = g_active,
      version = version + 1, modified_at = clock_timestamp()
    from free
    where r.ctid = free.at
      and not (g_opens and (select true from standing_opt_out s where s.tenant = r.tenant and s.subject = r.subject limit 1) is not null)
    returning n::int - 1 as n, version, modified_at as "modifiedAt"`,
  parameters: [
    binaryArray('text', changes, c => c.resource.connection),
    binaryArray('uuid', changes, c => c.resource.id),
    binaryArray('int4', changes, c => c.resource.version),
    binaryArray('jsonb', changes, c => JSON.stringify(c.resource.attributes)),
    binaryArray('text', changes, c => c.resource.userNameNorm),
    binaryArray('text', changes, c => c.resource.externalId),
    changes.map(c => c.resource.active),
    changes.map(c => c.opens !== undefined),
  ],
});

/**
 * Opens the opt-outs of those changes that were made; `changed` names their {@link ChangedResource}s. Where another transaction is about to open one of them
 * it is waited for, so they are opened in one order: two groups that name the same people would otherwise wait for each other.
 */
export function standingsOpenedBy(changed: string, changes: readonly ResourceChange[]): Statement {
  const opened = changes.flatMap(({ opens }, n) => (opens ? [{ n, opens }] : []));
  return {
    sql: `insert into standing_opt_out (opt_out_id, tenant, subject, request_event, phase, askers, staged, counts_for)
      select o.opt_out_id, o.tenant, o.subject, o.request_event, 'open', o.askers, o.staged, o.counts_for
        from unnest($1::int[], $2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::jsonb[], $7::bool[], $8::text[])
          as o(n, opt_out_id, tenant, subject, request_event, askers, staged, counts_for) join ${changed} on ${changed}.n = o.n order by o.tenant, o.subject`,
    parameters: [
      binaryArray('int4', opened, o => o.n),
      binaryArray('uuid', opened, o => o.opens.optOutId),
      binaryArray('text', opened, o => o.opens.tenant),
      binaryArray('uuid', opened, o => o.opens.subject),
      binaryArray('uuid', opened, o => o.opens.requestEvent),
      binaryArray('jsonb', opened, o => JSON.stringify(o.opens.askers)),
      opened.map(o => o.opens.staged),
      binaryArray('text', opened, o => o.opens.countsFor),
    ],
  };
}
