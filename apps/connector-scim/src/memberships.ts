import type { CallFailure, Ctx } from '@sever/connector-sdk';
import type { ScimClient, ScimGroup } from './client.js';
import { malformed } from './outcomes.js';

/** All groups that list a member. */
export type Memberships = { kind: 'Memberships'; groups: ScimGroup[] };

const PAGES_MAX = 10_000;

/**
 * Walks all groups completely. Servers that ignore paging repeat the first page: a page that brings nothing new ends the walk,
 * and the walk counts only when it saw as many groups as the server says there are.
 */
export async function membershipsOf(
  client: ScimClient,
  id: string,
  ctx: Ctx,
): Promise<Memberships | CallFailure> {
  const seen = new Map<string, ScimGroup>();
  let total = 0;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const answer = await client.groups(seen.size + 1, ctx);
    if (answer.kind !== 'Page') return answer;
    total = answer.total;
    const before = seen.size;
    for (const group of answer.items) seen.set(group.id, group);
    if (seen.size >= total || seen.size === before) break;
  }
  if (seen.size < total) return malformed({ status: 200, contentType: '', bytes: 0 }, 'list.truncated');
  return {
    kind: 'Memberships',
    groups: [...seen.values()].filter(g => g.members?.some(m => m.value === id)),
  };
}
