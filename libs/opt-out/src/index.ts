export { barrierHolds, decide, reverifyAt } from './decide.js';
export { type Decision, type DecisionContext } from './decision.js';
export {
  GOVERNOR_DEFAULTS,
  effectiveLimit,
  heldBy,
  needsPeople,
  type EffectiveLimit,
  type GovernorLimits,
  type OptOutsOfSource,
} from './governor/governor-rule.js';
export { nextDue } from './next-due.js';
export { foldOutcome } from './fold-outcomes.js';
export { foldRequest } from './fold-requests.js';
export {
  isSettled,
  isStanding,
  optOutStatus,
  type ConnectorStateName,
  type ConnectorStatus,
  type OptOutStateName,
  type OptOutStatus,
  type StepStateName,
  type StepStatus,
} from './opt-out-status.js';
export { type OutcomeState, type StepFacts, type Trouble } from './outcome-state.js';
export { type Attention, type GrantedWaiver, type Phase, type RequestState } from './request-state.js';
