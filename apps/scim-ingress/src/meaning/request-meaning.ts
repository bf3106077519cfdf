import type { Asker } from '@sever/event-contracts';
import { standsAgainst, type Standing } from '@sever/directory';

/** What a write changes, field by field, as far as it matters for the person. */
export type Change = {
  kind: 'create' | 'update' | 'remove';
  /** Whether the resource was active before; undefined for a new one. */
  activeBefore: boolean | undefined;
  activeAfter: boolean;
  /** `userName` or `externalId` differ. */
  identifiersChanged: boolean;
  /** Names of all attributes that differ. */
  attributes: readonly string[];
  /** A new resource belongs to a person whom another connection brought. */
  linked: boolean;
};

/** What a request means: exactly one event, or nothing. */
export type Meaning =
  | { kind: 'nothing' | 'registered' | 'linked' | 'identifiersChanged' | 'updated' | 'resourceRemoved' }
  | { kind: 'requested' }
  | StandingMeaning;

/** Meanings that concern an opt-out which stands. */
export type StandingMeaning =
  | { kind: 'repeated' | 'restoreRequested' | 'rehired' }
  | { kind: 'restoreRefused'; cause: 'not-an-asker' | 'others-still-ask'; withdrawn: boolean };

/**
 * Decides what a change of a connection's resource means for the person: opt-out, restore, rehire or ordinary update. Only a
 * connection's own change of `active` asks or withdraws; a repeated value is never a wish.
 * @param standing the person's newest opt-out
 * @param me the connection that writes
 */
export function requestMeaning(change: Change, standing: Standing | undefined, me: Asker): Meaning {
  const against =
    standing && standsAgainst(standing) && standing.phase !== 'restoring' ? standing : undefined;
  if (change.kind === 'create') return arrival(change, against, me);
  const leaves = change.kind === 'remove' || (change.activeBefore === true && !change.activeAfter);
  if (leaves) return leaving(change, against);
  if (change.activeBefore === false && change.activeAfter && against) return returning(against, me);
  return ordinary(change);
}

function arrival(change: Change, against: Standing | undefined, me: Asker): Meaning {
  if (change.linked && change.activeAfter && against) {
    if (isGone(against)) return { kind: 'rehired' };
    // Who asked by a DELETE and brings the person again takes it back: all connections would say active, and the accounts be deleted.
    if (against.askers.some(asker => sameAsker(asker, me))) return returning(against, me);
  }
  return { kind: change.linked ? 'linked' : 'registered' };
}

function leaving(change: Change, against: Standing | undefined): Meaning {
  if (!against) return { kind: 'requested' };
  const closed = against.phase === 'purged' || against.phase === 'cut-only';
  if (closed && change.kind === 'remove' && change.activeBefore === false) return { kind: 'resourceRemoved' };
  return { kind: 'repeated' };
}

function returning(against: Standing, me: Asker): Meaning {
  if (isGone(against)) return { kind: 'rehired' };
  const others = against.askers.filter(asker => !sameAsker(asker, me));
  if (others.length === against.askers.length)
    return { kind: 'restoreRefused', cause: 'not-an-asker', withdrawn: false };
  if (others.length > 0) return { kind: 'restoreRefused', cause: 'others-still-ask', withdrawn: true };
  return { kind: 'restoreRequested' };
}

function ordinary(change: Change): Meaning {
  if (change.identifiersChanged) return { kind: 'identifiersChanged' };
  return { kind: change.attributes.length > 0 ? 'updated' : 'nothing' };
}

/** Past the point where anything could be given back. */
const isGone = (standing: Standing): boolean => standing.phase === 'purging' || standing.phase === 'purged';

export const sameAsker = (a: Asker, b: Asker): boolean => a.kind === b.kind && a.id === b.id;
