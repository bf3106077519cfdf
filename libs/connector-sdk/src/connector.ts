import type { Step } from '@sever/event-contracts';
import type { ConnectorManifest } from './manifest.js';
import type { ActOutcome, Outcome, VerifyOutcome } from './outcome.js';

/** The person to find, with identifiers in the clear; never logged, never put into evidence. */
export type SubjectRef = {
  tenant: string;
  subject: string;
  userName: string;
  externalId?: string | undefined;
};

/** An account that was found: `id` is the vendor's immutable id; later calls use nothing else. */
export type Target = {
  id: string;
  matchedBy: string;
  version?: string | undefined;
  protectedBy?: string | undefined;
};

/** A unique match. Everything else `locate` can say is an outcome (`NotFound`, `Conflict`, a failure). */
export type Located = {
  kind: 'Located';
  target: Target;
  evidence: Record<string, string | number | boolean | null>;
};

/** What was taken away, sufficient to give back exactly that. Plain JSON; the runtime encrypts and stores it. */
export type Snapshot = { entries: readonly SnapshotEntry[] };
export type SnapshotEntry = Readonly<Record<string, string | number | boolean | null>>;

/** Circumstances of one call. */
export type Ctx = {
  tenant: string;
  /** Ends when the attempt's time is over or the process drains: pass it to every call. */
  signal: AbortSignal;
  /** Stable for all repeats of the same attempt. */
  idempotencyKey: string;
  /** Asks the kill switch and the instance's pause state; throws `PermitDenied`. Call it before every write. */
  permit(): Promise<void>;
  /** W3C trace context to send downstream. */
  traceparent: string | undefined;
  /** What the instance's binding says about this tenant's accounts. */
  match: MatchRule;
};

/** How a tenant's people are found in the target. `scope` limits a shared instance to one tenant's accounts. */
export type MatchRule = {
  by: 'userName' | 'externalId';
  scope?: Readonly<Record<string, string>> | undefined;
};

/**
 * One connected instance of a target system: a value built from configuration, without global state.
 * Actions are idempotent and pre-read; `verify` never writes and never reuses an action's reply.
 */
export interface Connector {
  /** Resolves the person to the immutable id; `NotFound` only as a positive observation. */
  locate(ref: SubjectRef, ctx: Ctx): Promise<Located | Outcome>;
  suspend?(target: Target, ctx: Ctx): Promise<ActOutcome>;
  endSessions?(target: Target, ctx: Ctx): Promise<ActOutcome>;
  revokeCredentials?(target: Target, ctx: Ctx): Promise<ActOutcome>;
  stripEntitlements?(target: Target, ctx: Ctx): Promise<ActOutcome>;
  delete?(target: Target, ctx: Ctx): Promise<ActOutcome>;
  /** Read-only proof of one step. For `delete`, `Verified` means: the account is gone. */
  verify(step: Step, target: Target, ctx: Ctx): Promise<VerifyOutcome>;
  /** Complete record of what `step` will take away, read before it does; a failed or partial read is an outcome, never a snapshot. */
  snapshot?(
    step: Step,
    target: Target,
    ctx: Ctx,
  ): Promise<{ kind: 'Snapshot'; snapshot: Snapshot } | Outcome>;
  /** Gives back what a snapshot holds (for `suspend` too); idempotent. */
  restore?(step: Step, snapshot: Snapshot, target: Target, ctx: Ctx): Promise<ActOutcome>;
  /** Read-only check that the target answers and the credential works: the half-open probe of the breaker. */
  probe(ctx: Pick<Ctx, 'signal'>): Promise<Outcome | { kind: 'Healthy' }>;
  close(): Promise<void>;
}

/** A connector app as a value: importing it starts nothing. */
export type ConnectorDefinition<Settings = unknown> = {
  manifest: ConnectorManifest;
  /** Checks the instance's settings (from the registry) and resolves nothing: secrets come as references. */
  parseSettings(settings: unknown): Settings;
  /** Builds the connector of one instance. `secret` resolves a `file:` or `env:` reference at the moment of use. */
  connect(instance: {
    id: string;
    settings: Settings;
    secret: (reference: string) => Promise<string>;
  }): Connector;
};

/** Declares a connector; checks that the manifest is well formed. */
export function defineConnector<Settings>(
  definition: ConnectorDefinition<Settings>,
): ConnectorDefinition<Settings> {
  return definition;
}
