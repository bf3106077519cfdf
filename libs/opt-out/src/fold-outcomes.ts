import type { SeverEvent, Step } from '@sever/event-contracts';
import type { OutcomeState, StepFacts } from './outcome-state.js';

const NO_FACTS: StepFacts = { state: 'acted', actedAt: null, verifiedAt: null, residualAccessUntil: null };

/**
 * Folds one event of the `outcomes` topic into one instance's part of an opt-out. Pure.
 * @returns undefined for events that belong to no opt-out (connector health)
 */
export function foldOutcome(state: OutcomeState | undefined, event: SeverEvent): OutcomeState | undefined {
  if (event.type === 'sever.connector.paused.v1' || event.type === 'sever.connector.resumed.v1') return state;
  if (!('stage' in event.data) || !event.optoutid) return state;
  const { instance, system, stage } = event.data;
  const base: OutcomeState = state ?? {
    optOutId: event.optoutid,
    instance,
    system,
    account: 'unknown',
    accountAt: null,
    steps: {},
    stage,
    finished: {},
    trouble: null,
    lastOutcomeAt: event.time,
  };
  return { ...applied(base, event), stage, lastOutcomeAt: event.time };
}

function applied(state: OutcomeState, event: SeverEvent): OutcomeState {
  switch (event.type) {
    case 'sever.account.adopted.v1':
      return { ...state, account: 'adopted', accountAt: event.time, trouble: null };
    case 'sever.account.not-found.v1':
      return {
        ...state,
        account: 'none',
        accountAt: event.time,
        trouble: null,
      };
    case 'sever.step.acted.v1':
    case 'sever.step.already-satisfied.v1':
      return withStep(state, event.data.step, facts => ({
        ...facts,
        state: 'acted',
        actedAt: event.time,
        residualAccessUntil: event.data.residualAccessUntil ?? facts.residualAccessUntil,
      }));
    case 'sever.step.verified.v1':
      return withStep(state, event.data.step, facts => ({
        ...facts,
        state: 'verified',
        verifiedAt: event.time,
        residualAccessUntil: event.data.residualAccessUntil ?? facts.residualAccessUntil,
      }));
    case 'sever.step.restored.v1':
      return withStep(state, event.data.step, facts => ({ ...facts, state: 'restored' }));
    case 'sever.step.unsupported.v1':
      return withStep(state, event.data.step, facts => ({ ...facts, state: 'unsupported' }));
    case 'sever.connector.stage-finished.v1':
      return { ...state, finished: { ...state.finished, [event.data.stage]: event.time }, trouble: null };
    default:
      return failed(state, event);
  }
}

function failed(state: OutcomeState, event: SeverEvent): OutcomeState {
  if (!('disposition' in event.data)) return state;
  const { stage, step, code, disposition } = event.data;
  const trouble = {
    next: disposition.next,
    code,
    type: event.type,
    stage,
    step,
    since: event.time,
    dueAt: disposition.dueAt,
  };
  const next = { ...state, trouble };
  if (!step || stage === 'restore') return next;
  return { ...withStep(next, step, facts => ({ ...facts, state: 'failed' })), trouble };
}

/** Progress on a step ends the trouble that stood in its way. */
function withStep(state: OutcomeState, step: Step, change: (facts: StepFacts) => StepFacts): OutcomeState {
  const trouble = state.trouble?.step === step || state.trouble?.step === null ? null : state.trouble;
  return { ...state, trouble, steps: { ...state.steps, [step]: change(state.steps[step] ?? NO_FACTS) } };
}
