import type { Step } from '@sever/event-contracts';
import type { Decision, DecisionContext } from './decision.js';
import { STAGED_NEED } from './governor/staged-need.js';
import { isSettled, type ConnectorStatus } from './opt-out-status.js';
import type { OutcomeState } from './outcome-state.js';
import type { Attention, RequestState } from './request-state.js';

type Need = { code: string; instance: string | null; step: Step | null; nextAction: string; since: string };

/** Why a person is needed, what became of it, and which deadlines passed. */
export function attentionDecisions(
  request: RequestState,
  outcomes: ReadonlyMap<string, OutcomeState>,
  connectors: readonly ConnectorStatus[],
  context: DecisionContext,
): Decision[] {
  if (request.phase === 'restored') return [];
  const needs = [
    ...stagedNeeds(request),
    ...parkedNeeds(outcomes),
    ...unsupportedNeeds(request, connectors),
    ...reclaimedNeeds(request, context),
  ];
  const missing = needs.filter(need => !request.attention.some(a => sameNeed(a, need)));
  const over = request.attention.filter(a => !needs.some(need => sameNeed(a, need)));
  return [
    ...missing.map(({ since, ...need }): Decision => ({
      key: `raise:${keyOf(need)}:${since}`,
      kind: 'attention-raised',
      ...need,
    })),
    ...over.map(({ code, instance, step, since }): Decision => ({
      key: `clear:${keyOf({ code, instance, step })}:${since}`,
      kind: 'attention-cleared',
      code,
      instance,
      step,
    })),
    ...missedDeadlines(request, connectors, context),
    ...returnedAccess(request, outcomes),
  ];
}

const sameNeed = (a: Attention, b: Need): boolean =>
  a.code === b.code && a.instance === b.instance && a.step === b.step;
const keyOf = (n: { code: string; instance: string | null; step: Step | null }): string =>
  `${n.code}:${n.instance}:${n.step}`;

/** Told by the event that staged it: no further event is needed to raise or to clear it. */
const stagedNeeds = (request: RequestState): Need[] =>
  request.phase === 'staged' ? [{ ...STAGED_NEED, since: request.requestedAt }] : [];

function parkedNeeds(outcomes: ReadonlyMap<string, OutcomeState>): Need[] {
  return [...outcomes.values()].flatMap(({ instance, trouble }) =>
    trouble?.next === 'park'
      ? [
          {
            code: trouble.code,
            instance,
            step: trouble.step,
            since: trouble.since,
            nextAction: `look at ${trouble.type} of ${instance}, mend the cause, then retry or waive the step`,
          },
        ]
      : [],
  );
}

function unsupportedNeeds(request: RequestState, connectors: readonly ConnectorStatus[]): Need[] {
  if (request.phase !== 'cutting') return [];
  return connectors.flatMap(c =>
    c.steps
      .filter(s => s.state === 'unsupported')
      .map(s => ({
        code: 'step.unsupported',
        instance: c.connector,
        step: s.step,
        since: request.requestedAt,
        nextAction: `do ${s.step} in ${c.connector} by hand, then waive the step`,
      })),
  );
}

function reclaimedNeeds(request: RequestState, context: DecisionContext): Need[] {
  if (context.otherLiveSubject === undefined || (request.phase !== 'held' && request.phase !== 'cut'))
    return [];
  const due = request.hold.kind === 'none' || Date.parse(request.purgeAfter ?? '') <= context.now.getTime();
  if (!due) return [];
  return [
    {
      code: 'account.reclaimed',
      instance: null,
      step: 'delete',
      since: request.purgeAfter ?? request.requestedAt,
      nextAction:
        'somebody else now has this user name: waive the deletion to hand the account over, or take the name from the other person first',
    },
  ];
}

function missedDeadlines(
  request: RequestState,
  connectors: readonly ConnectorStatus[],
  context: DecisionContext,
): Decision[] {
  if (request.phase !== 'cutting' || Date.parse(request.cutDeadlineAt) > context.now.getTime()) return [];
  return connectors.flatMap(c =>
    c.steps
      .filter(s => s.step !== 'delete' && !isSettled(s))
      .map((s): Decision => ({
        key: `deadline:${c.connector}:${s.step}`,
        kind: 'deadline-missed',
        instance: c.connector,
        step: s.step,
        deadline: request.cutDeadlineAt,
      })),
  );
}

function returnedAccess(request: RequestState, outcomes: ReadonlyMap<string, OutcomeState>): Decision[] {
  if (request.phase !== 'closed') return [];
  return [...outcomes.values()].flatMap(({ instance, trouble }): Decision[] =>
    trouble?.stage === 'reverify' && trouble.step && trouble.type === 'sever.access.still-present.v1'
      ? [
          {
            key: `returned:${instance}:${trouble.step}:${trouble.since}`,
            kind: 'access-returned',
            instance,
            step: trouble.step,
          },
        ]
      : [],
  );
}
