import type { Evidence, Step } from '@sever/event-contracts';

/** What supports an outcome: open facts only (codes, counts, versions), never names, bodies or secrets. */
export type OutcomeEvidence = Evidence;

type Base = { evidence: OutcomeEvidence };
/** Last moment at which access granted earlier may still work, where the vendor cannot end it. */
type Residual = { residualAccessUntil?: Date | undefined };

/** Vendor acknowledged the effect. */
export type Done = Base & Residual & { kind: 'Done' };
/** The pre-read showed that the wanted state already holds; no write was made. */
export type AlreadyDone = Base & Residual & { kind: 'AlreadyDone' };
/** A read-only observation that the step's effect holds. Only `verify` returns it. */
export type Verified = Base & Residual & { kind: 'Verified' };
/** Absence, positively observed with valid credentials in a well-formed reply. An error is never this. */
export type NotFound = Base & { kind: 'NotFound'; confirmed: boolean; keysTried: string[] };
/** The vendor queued the work; poll until it ends or `giveUpAt`. */
export type Accepted = Base & { kind: 'Accepted'; jobRef: string; pollAfter: Date; giveUpAt: Date };
/** Quota: nothing is tried before `until`. Never counts as a failure. */
export type RateLimited = Base & { kind: 'RateLimited'; code: string; until: Date };
/** 5xx, time-out, reset, lock: try again. `effectUnknown`: the write may have happened, verify before repeating. */
export type Transient = Base & { kind: 'Transient'; code: string; effectUnknown: boolean };
/** The connector's own credential, scope or tenant is wrong: concerns every subject. `help` says what to do. */
export type AuthFailed = Base & { kind: 'AuthFailed'; code: string; help: string };
/** The vendor refuses this one subject. */
export type Forbidden = Base & { kind: 'Forbidden'; code: string; help: string };
/** A protected principal: refused, no write. */
export type Protected = Base & { kind: 'Protected'; rule: string };
/** Several matches, still referenced, objects owned, version mismatch. */
export type Conflict = Base & { kind: 'Conflict'; code: string; help: string };
/** Vendor or connector cannot do this step. */
export type Unsupported = Base & { kind: 'Unsupported'; code: string };
/** The reply was not understood, or the request was called invalid. Never absence. */
export type Malformed = Base & { kind: 'Malformed'; code: string };
/** Verify saw that access is still there. */
export type StillPresent = Base & { kind: 'StillPresent'; code: string };

/** Every answer a connector can give: facts, never policy. What follows from them is the runtime's business. */
export type Outcome =
  | Done
  | AlreadyDone
  | Verified
  | NotFound
  | Accepted
  | RateLimited
  | Transient
  | AuthFailed
  | Forbidden
  | Protected
  | Conflict
  | Unsupported
  | Malformed
  | StillPresent;

/** Answers that an action (not a verify) can give. */
export type ActOutcome = Exclude<Outcome, { kind: 'Verified' | 'StillPresent' }>;
/** Answers that a verify can give. */
export type VerifyOutcome = Exclude<Outcome, { kind: 'Done' | 'AlreadyDone' | 'Accepted' }>;

/** Failures that concern the whole connector rather than one subject: only these feed its breaker. */
export function isConnectorScope(outcome: Outcome): boolean {
  return outcome.kind === 'AuthFailed' || outcome.kind === 'Transient';
}

/** A step together with the outcome of a call, as journals and tests name it. */
export type StepOutcome = { step: Step; outcome: Outcome };
