import type { OutcomeEventType } from './event-catalogue.js';

/** What a connector can answer about one call (the typed outcome model of the connector SDK). */
export const OUTCOME_KINDS = [
  'Done',
  'AlreadyDone',
  'Verified',
  'NotFound',
  'Accepted',
  'RateLimited',
  'Transient',
  'AuthFailed',
  'Forbidden',
  'Protected',
  'Conflict',
  'Unsupported',
  'Malformed',
  'StillPresent',
] as const;
export type OutcomeKind = (typeof OUTCOME_KINDS)[number];

/** The one table from outcome to event type. */
export const OUTCOME_EVENT_TYPE = {
  Done: 'sever.step.acted.v1',
  AlreadyDone: 'sever.step.already-satisfied.v1',
  Verified: 'sever.step.verified.v1',
  NotFound: 'sever.account.not-found.v1',
  Accepted: 'sever.step.accepted.v1',
  RateLimited: 'sever.vendor.rate-limited.v1',
  Transient: 'sever.vendor.unavailable.v1',
  AuthFailed: 'sever.credentials.rejected.v1',
  Forbidden: 'sever.vendor.refused.v1',
  Protected: 'sever.principal.protected.v1',
  Conflict: 'sever.account.conflicted.v1',
  Unsupported: 'sever.step.unsupported.v1',
  Malformed: 'sever.vendor.reply-malformed.v1',
  StillPresent: 'sever.access.still-present.v1',
} as const satisfies Record<OutcomeKind, OutcomeEventType>;
