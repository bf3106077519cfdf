import type { Ctx } from '@sever/connector-sdk';
import type { PoolClient } from 'pg';
import { DEFAULT_GRANTS, grantsTo, MEMBERSHIPS_OF } from './acl-queries.js';
import type { DefaultPrivilege, Entitlement, Membership, Privilege } from './entitlement.js';
import type { Sessions } from './sessions.js';

/** Everything a role was granted, in every database. Reading fails as a whole or succeeds as a whole. */
export async function entitlementsOf(
  sessions: Sessions,
  main: string,
  oid: string,
  ctx: Ctx,
): Promise<Entitlement[]> {
  const memberships = await sessions.in(ctx, async client => {
    const found = await client.query<Omit<Membership, 'kind'>>(MEMBERSHIPS_OF, [oid]);
    return found.rows.map((row): Entitlement => ({ kind: 'membership', ...row }));
  });
  const inDatabases: Entitlement[] = [];
  for (const database of await sessions.databases(ctx))
    inDatabases.push(
      ...(await sessions.in(ctx, client => privilegesIn(client, database, database === main, oid), database)),
    );
  return [...memberships, ...inDatabases];
}

async function privilegesIn(
  client: PoolClient,
  database: string,
  shared: boolean,
  oid: string,
): Promise<Entitlement[]> {
  const version = await versionOf(client);
  const now = await client.query<Omit<Privilege, 'kind' | 'database'>>(grantsTo(shared, version), [oid]);
  const later = await client.query<Omit<DefaultPrivilege, 'kind' | 'database'>>(DEFAULT_GRANTS, [oid]);
  return [
    ...now.rows.map((row): Entitlement => ({ kind: 'privilege', database, ...row })),
    ...later.rows.map((row): Entitlement => ({ kind: 'default', database, ...row })),
  ];
}

/** `server_version_num`: 160004 for 16.4. */
export async function versionOf(client: PoolClient): Promise<number> {
  const found = await client.query<{ v: string }>(`select current_setting('server_version_num') as v`);
  return Number(found.rows[0]?.v ?? 0);
}
