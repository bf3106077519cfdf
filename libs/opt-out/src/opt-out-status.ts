import { STEPS, type PlannedStep, type Step } from '@sever/event-contracts';
import type { OutcomeState } from './outcome-state.js';
import { phaseRead } from './phase-read.js';
import type { GrantedWaiver, Phase, RequestState } from './request-state.js';

export type OptOutStateName = 'requested' | Phase;
export type StepStateName =
  'pending' | 'acted' | 'verified' | 'failed' | 'unsupported' | 'waived' | 'restored';
export type ConnectorStateName =
  | 'pending'
  | 'cutting'
  | 'cut'
  | 'purging'
  | 'purged'
  | 'retrying'
  | 'parked'
  | 'waived'
  | 'unsupported'
  | 'noAccount'
  | 'restoring'
  | 'restored';

export type StepStatus = {
  step: Step;
  state: StepStateName;
  actedAt: string | null;
  verifiedAt: string | null;
  waiver: GrantedWaiver | null;
};

/** One instance's part of an opt-out as people see it. */
export type ConnectorStatus = {
  connector: string;
  state: ConnectorStateName;
  residualAccessUntil: string | null;
  lastError: { code: string; type: string; step: Step | null; since: string; dueAt: string | null } | null;
  steps: StepStatus[];
};

/** An opt-out as people see it: the join of both topics' folds. */
export type OptOutStatus = { state: OptOutStateName; needsAttention: boolean; connectors: ConnectorStatus[] };

/** Joins both folds. Commutative: it looks at states, not at the order in which they came about. */
export function optOutStatus(
  request: RequestState,
  outcomes: ReadonlyMap<string, OutcomeState>,
  now: Date,
): OptOutStatus {
  const connectors = request.instances.map(({ instance, steps }) =>
    connectorStatus(request, instance, steps, outcomes.get(instance), now),
  );
  const started = request.instances.some(({ instance }) => outcomes.has(instance));
  const phase = phaseRead(request, outcomes);
  const state = phase === 'cutting' && !started ? 'requested' : phase;
  const waiting = connectors.some(c => c.state === 'parked' || c.state === 'unsupported');
  return { state, needsAttention: request.attention.length > 0 || waiting, connectors };
}

function connectorStatus(
  request: RequestState,
  instance: string,
  plan: readonly PlannedStep[],
  outcome: OutcomeState | undefined,
  now: Date,
): ConnectorStatus {
  const waivers = request.waivers.filter(w => w.instance === instance);
  const steps = STEPS.flatMap(name => plan.filter(p => p.step === name)).map(p =>
    stepStatus(p, outcome, waivers, now),
  );
  const residuals = Object.values(outcome?.steps ?? {}).flatMap(f =>
    f.residualAccessUntil ? [f.residualAccessUntil] : [],
  );
  const trouble = outcome?.trouble;
  return {
    connector: instance,
    state: connectorState(request, plan, steps, outcome),
    residualAccessUntil: residuals.sort().at(-1) ?? null,
    lastError: trouble
      ? {
          code: trouble.code,
          type: trouble.type,
          step: trouble.step,
          since: trouble.since,
          dueAt: trouble.dueAt,
        }
      : null,
    steps,
  };
}

function stepStatus(
  plan: PlannedStep,
  outcome: OutcomeState | undefined,
  waivers: readonly GrantedWaiver[],
  now: Date,
): StepStatus {
  const facts = outcome?.steps[plan.step];
  const waiver = waivers.find(w => (w.step === null || w.step === plan.step) && isStanding(w, now)) ?? null;
  const base = { step: plan.step, actedAt: facts?.actedAt ?? null, verifiedAt: facts?.verifiedAt ?? null };
  if (facts?.state === 'verified' || facts?.state === 'restored')
    return { ...base, state: facts.state, waiver: null };
  if (outcome?.account === 'none' && outcome.accountAt)
    return { ...base, state: 'verified', verifiedAt: outcome.accountAt, waiver: null };
  if (waiver) return { ...base, state: 'waived', waiver };
  if (plan.support === 'unsupported') return { ...base, state: 'unsupported', waiver: null };
  return { ...base, state: facts?.state ?? 'pending', waiver: null };
}

/** A waiver counts until it expires. */
export const isStanding = (waiver: GrantedWaiver, now: Date): boolean =>
  waiver.expiresAt === null || Date.parse(waiver.expiresAt) > now.getTime();

/** A step that stands in nobody's way: proven, or accepted by a named person. */
export const isSettled = (step: StepStatus): boolean => step.state === 'verified' || step.state === 'waived';

function connectorState(
  request: RequestState,
  plan: readonly PlannedStep[],
  steps: readonly StepStatus[],
  outcome: OutcomeState | undefined,
): ConnectorStateName {
  if (request.phase === 'restored' || (request.phase === 'restoring' && outcome?.finished.restore))
    return 'restored';
  if (outcome?.trouble?.next === 'park') return 'parked';
  if (outcome?.trouble?.next === 'retry') return 'retrying';
  if (request.phase === 'restoring') return 'restoring';
  const purgePlanned = plan.filter(p => p.stage === 'purge').map(p => p.step);
  const cut = steps.filter(s => !purgePlanned.includes(s.step));
  const purge = steps.filter(s => purgePlanned.includes(s.step));
  if (outcome?.account === 'none') return 'noAccount';
  if (request.phase === 'purging' || (request.phase === 'closed' && request.closedOutcome === 'purged'))
    return purgeState(purge);
  return cutState(cut, outcome);
}

function purgeState(purge: readonly StepStatus[]): ConnectorStateName {
  if (purge.some(s => s.state === 'unsupported')) return 'unsupported';
  if (purge.length > 0 && purge.every(s => s.state === 'waived')) return 'waived';
  return purge.every(isSettled) ? 'purged' : 'purging';
}

function cutState(cut: readonly StepStatus[], outcome: OutcomeState | undefined): ConnectorStateName {
  if (cut.every(isSettled)) return cut.length > 0 && cut.every(s => s.state === 'waived') ? 'waived' : 'cut';
  const open = cut.filter(s => !isSettled(s));
  if (open.every(s => s.state === 'unsupported')) return 'unsupported';
  return outcome ? 'cutting' : 'pending';
}
