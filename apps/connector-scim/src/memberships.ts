import type { CallFailure } from '@sever/connector-sdk';
import type { Call, ScimClient } from './client.js';
import { completeList } from './complete-list.js';
import type { ScimUser } from './resources.js';

/** Ids of all groups that a user is a direct member of. */
export type Memberships = { kind: 'Memberships'; groups: string[] };

/**
 * Looks from both sides: at the members of every group, and at the groups that the user itself names, since services leave
 * long member lists out. Membership through another group is not listed: it ends with the direct one.
 */
export async function membershipsOf(
  client: ScimClient,
  user: ScimUser,
  ctx: Call,
): Promise<Memberships | CallFailure> {
  const all = await completeList(startIndex => client.groups(startIndex, ctx));
  if (all.kind !== 'Complete') return all;
  const listed = all.items.filter(group => group.members?.some(m => m.value === user.id)).map(g => g.id);
  const named = (user.groups ?? [])
    .filter(group => group.type?.toLowerCase() !== 'indirect')
    .map(group => group.value);
  return { kind: 'Memberships', groups: [...new Set([...listed, ...named])].sort() };
}
