import type {
  Actor,
  Asker,
  BoundInstance,
  Door,
  EncryptedField,
  Guard,
  HoldPolicy,
  Step,
} from '@sever/event-contracts';

/** Where an opt-out stands as far as the `requests` topic tells. */
export type Phase = 'staged' | 'cutting' | 'cut' | 'held' | 'purging' | 'closed' | 'restoring' | 'restored';

/** A reason for which a person is needed. Identified by code, instance and step. */
export type Attention = {
  code: string;
  instance: string | null;
  step: Step | null;
  nextAction: string;
  since: string;
};

/** An accepted omission of a step. `step` null: every step of the instance. */
export type GrantedWaiver = {
  instance: string;
  step: Step | null;
  owner: string;
  reason: EncryptedField | null;
  /** Where the ciphertext stood: needed to open it. */
  reasonAt: { eventId: string; path: string };
  expiresAt: string | null;
};

/** An opt-out as a fold of the `requests` topic alone. Instants are RFC 3339 strings; all members are plain JSON. */
export type RequestState = {
  optOutId: string;
  tenant: string;
  subject: string;
  phase: Phase;
  requestedAt: string;
  requestEvent: string;
  door: Door;
  actor: Actor;
  reason: EncryptedField | null;
  identifiers: EncryptedField;
  askers: Asker[];
  instances: BoundInstance[];
  hold: HoldPolicy;
  cutDeadlineAt: string;
  waivers: GrantedWaiver[];
  attention: Attention[];
  legalHold: boolean;
  cutAt: string | null;
  residualAccessUntil: string | null;
  purgeAfter: string | null;
  closedAt: string | null;
  closedOutcome: 'purged' | 'cut-only' | 'nothing-bound' | null;
  restoreRequestedAt: string | null;
  restoredAt: string | null;
  /** `active=true` or a new POST came during or after the purge: the deny entry is lifted. */
  rehiredAt: string | null;
  /** Latest event that asked the connectors for work (request, approval, purge, restore, re-verification). */
  commandEvent: string;
  reverifications: number;
  /** Why the governor held it; absent for an opt-out that went through at once. */
  guard?: Guard;
};
