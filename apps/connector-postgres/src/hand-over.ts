import type { PoolClient } from 'pg';
import { grantsBy, MEMBERSHIPS_BY } from './acl-queries.js';
import { grantable, memberOptions, type Membership, type Privilege } from './entitlement.js';
import { quoted } from './role.js';

type GrantToOther = Omit<Privilege, 'kind' | 'database'> & { grantee: string | null };
type MembershipOfOther = Omit<Membership, 'kind'> & { member: string };

/**
 * What a role granted to others hangs on its own right to grant, and would go with it. It is granted once more, by the owner:
 * nobody loses anything because somebody else leaves. Runs in the transaction that takes the right away.
 *
 * @param shared whether what belongs to the whole server (databases, memberships) is handed over as well
 */
export async function handOver(
  client: PoolClient,
  oid: string,
  shared: boolean,
  version: number,
): Promise<number> {
  const grants = await client.query<GrantToOther>(grantsBy(shared, version), [oid]);
  for (const g of grants.rows)
    await client.query(
      `grant ${g.privilege} on ${g.object} to ${g.grantee === null ? 'public' : quoted(g.grantee)}${grantable(g)}`,
    );
  // Before PostgreSQL 16 a membership does not depend on who granted it.
  if (!shared || version < 160_000) return grants.rows.length;
  const memberships = await client.query<MembershipOfOther>(MEMBERSHIPS_BY, [oid]);
  for (const m of memberships.rows)
    await client.query(`grant ${quoted(m.role)} to ${quoted(m.member)} ${memberOptions(m)}`);
  return grants.rows.length + memberships.rows.length;
}
