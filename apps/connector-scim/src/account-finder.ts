import type { CallFailure, MatchRule } from '@sever/connector-sdk';
import type { Call, ScimClient } from './client.js';
import { completeList } from './complete-list.js';
import type { ScimUser } from './resources.js';

/** Everybody who matches; none is an observation, never a guess. */
export type Matches = { kind: 'Matches'; users: ScimUser[] };

type Key = MatchRule['by'];

/** How long a service's filter is believed after it was seen to work, in milliseconds. */
const TRUST_MS = 5 * 60_000;

export const sameName = (a: string, b: string): boolean => folded(a) === folded(b);
const folded = (text: string): string => text.normalize('NFC').toLowerCase();

/**
 * Finds accounts by user name (without case) or external id. Services filter in ways of their own: some compare case, some
 * answer a filter they do not know with an empty list, some ignore it. So what a filter finds is compared again, and that it
 * finds nothing counts only where it was seen to find somebody who is there; elsewhere all users are read.
 */
export class AccountFinder {
  private readonly trustedUntil: Partial<Record<Key, number>> = {};

  constructor(private readonly client: ScimClient) {}

  async matches(by: Key, wanted: string, ctx: Call): Promise<Matches | CallFailure> {
    const filtered = await this.filtered(by, wanted, ctx);
    if (filtered.kind !== 'Complete') return filtered;
    const users = filtered.items.filter(user => isMatch(user, by, wanted));
    if (users.length > 0) return { kind: 'Matches', users };
    const trusted = await this.isTrusted(by, wanted, ctx);
    if (typeof trusted !== 'boolean') return trusted;
    if (trusted) return { kind: 'Matches', users: [] };
    const all = await completeList(startIndex => this.client.users(undefined, startIndex, ctx));
    if (all.kind !== 'Complete') return all;
    return { kind: 'Matches', users: all.items.filter(user => isMatch(user, by, wanted)) };
  }

  private filtered(by: Key, value: string, ctx: Call): ReturnType<typeof completeList<ScimUser>> {
    const filter = `${by} eq ${JSON.stringify(value)}`;
    return completeList(startIndex => this.client.users(filter, startIndex, ctx));
  }

  /** Whether the filter finds somebody who is known to be there, by a name in the other case. */
  private async isTrusted(by: Key, wanted: string, ctx: Call): Promise<boolean | CallFailure> {
    // Of letters beyond ASCII the canary tells nothing.
    if (by === 'userName' && /[^\x20-\x7e]/.test(wanted)) return false;
    if ((this.trustedUntil[by] ?? 0) > Date.now()) return true;
    const some = await this.client.users(undefined, 1, ctx);
    if (some.kind !== 'Page') return some;
    if (some.total === 0) return true;
    const canary = some.items.flatMap(user => canaryOf(user, by)).at(0);
    if (!canary) return false;
    const found = await this.filtered(by, canary.value, ctx);
    if (found.kind !== 'Complete') return found;
    const works = found.items.some(user => user.id === canary.id);
    if (works) this.trustedUntil[by] = Date.now() + TRUST_MS;
    return works;
  }
}

const isMatch = (user: ScimUser, by: Key, wanted: string): boolean =>
  by === 'userName' ? sameName(user.userName, wanted) : user.externalId === wanted;

/** External ids are compared with case. */
function canaryOf(user: ScimUser, by: Key): { id: string; value: string }[] {
  if (by === 'externalId') return user.externalId ? [{ id: user.id, value: user.externalId }] : [];
  const value = otherCase(user.userName);
  return value === user.userName ? [] : [{ id: user.id, value }];
}

const otherCase = (name: string): string =>
  /[a-z]/.test(name)
    ? name.replace(/[a-z]/g, letter => letter.toUpperCase())
    : name.replace(/[A-Z]/g, letter => letter.toLowerCase());
