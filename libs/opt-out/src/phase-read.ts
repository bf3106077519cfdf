import type { PlannedStep, Stage } from '@sever/event-contracts';
import type { OutcomeState } from './outcome-state.js';
import type { Phase, RequestState } from './request-state.js';

type Outcomes = ReadonlyMap<string, OutcomeState>;

const REACHED: Readonly<Record<'cut' | 'purge', ReadonlySet<Stage>>> = {
  cut: new Set(['purge', 'restore', 'reverify']),
  purge: new Set(['restore', 'reverify']),
};

/**
 * The phase as far as the outcomes that have been read bear it out. The coordinator decided on them, so they stand in the log;
 * but the two topics are read at different speeds, and an opt-out must not be called closed beside a system still at work.
 */
export function phaseRead(request: RequestState, outcomes: Outcomes): Phase {
  switch (request.phase) {
    case 'cut':
    case 'held':
    case 'purging':
      return stageRead('cut', request, outcomes) ? request.phase : 'cutting';
    case 'closed':
      if (!stageRead('cut', request, outcomes)) return 'cutting';
      return request.closedOutcome !== 'purged' || stageRead('purge', request, outcomes)
        ? 'closed'
        : 'purging';
    default:
      return request.phase;
  }
}

const stageRead = (stage: 'cut' | 'purge', request: RequestState, outcomes: Outcomes): boolean =>
  request.instances.every(({ instance, steps }) => {
    const outcome = outcomes.get(instance);
    if (outcome && (outcome.account === 'none' || REACHED[stage].has(outcome.stage))) return true;
    return steps.every(s => s.stage !== stage || wasSettled(request, instance, s, outcome));
  });

/** Whether a step was once proven or accepted, whatever became of it later. */
const wasSettled = (
  { waivers }: RequestState,
  instance: string,
  { step }: PlannedStep,
  outcome: OutcomeState | undefined,
): boolean =>
  !!outcome?.steps[step]?.verifiedAt ||
  waivers.some(w => w.instance === instance && (w.step === null || w.step === step));
