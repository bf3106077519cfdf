import type { RebindDecision, RebindPolicy } from '@sever/directory';

/** A user of the connection who might be the one to be created. */
export type Candidate = { id: string; active: boolean };

export type ArrivalQuestion = {
  /** Whether the one to be created is to be active. */
  active: boolean;
  /** Who has the user name. */
  namesake: Candidate | undefined;
  /** All who have the same `externalId`. */
  sharers: readonly Candidate[];
  policy: RebindPolicy;
  /** What an operator said of this namesake and this `externalId`. */
  decision: RebindDecision | undefined;
};

/**
 * Who it is that a POST brings. `taken`: the name belongs to somebody active · `undecided`: an operator must say · `returns`: somebody who is
 * known, in place · `newcomer`: somebody new. With `releases` the inactive namesake is somebody else and gives the name away.
 */
export type Arrival =
  | { kind: 'taken' }
  | { kind: 'undecided' }
  | { kind: 'returns'; id: string; releases: boolean }
  | { kind: 'newcomer'; releases: boolean };

/**
 * Decides whether a POST brings back somebody inactive. A name alone never does: whoever gets a leaver's name must not inherit the leaver's
 * access. An `externalId` does where exactly one user has it; several are no identity.
 */
export function arrivalOf(q: ArrivalQuestion): Arrival {
  const { namesake, policy, decision } = q;
  if (namesake?.active) return { kind: 'taken' };
  const known = policy === 'never' ? undefined : onlyAndInactive(q.sharers);
  if (namesake && known?.id === namesake.id) return { kind: 'returns', id: known.id, releases: false };
  if (namesake && policy === 'manual') {
    if (decision === undefined) return { kind: 'undecided' };
    if (decision === 'same-person') return { kind: 'returns', id: namesake.id, releases: false };
  }
  const releases = namesake !== undefined;
  return known && q.active ? { kind: 'returns', id: known.id, releases } : { kind: 'newcomer', releases };
}

const onlyAndInactive = ([first, ...others]: readonly Candidate[]): Candidate | undefined =>
  first && others.length === 0 && !first.active ? first : undefined;
