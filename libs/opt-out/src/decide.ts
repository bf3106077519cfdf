import type { PlannedStep } from '@sever/event-contracts';
import { attentionDecisions } from './decide-attention.js';
import type { Decision, DecisionContext } from './decision.js';
import { isSettled, optOutStatus, type ConnectorStatus } from './opt-out-status.js';
import type { OutcomeState } from './outcome-state.js';
import type { RequestState } from './request-state.js';

type Outcomes = ReadonlyMap<string, OutcomeState>;

/**
 * The coordinator's next decisions about one opt-out. Pure: a function of what both topics have told so far and of the time.
 * Repeating it yields the same keys, so that a decision that was made already is recognised.
 */
export function decide(request: RequestState, outcomes: Outcomes, context: DecisionContext): Decision[] {
  const { connectors } = optOutStatus(request, outcomes, context.now);
  const next = nextPhase(request, outcomes, connectors, context);
  return [...next, ...attentionDecisions(request, outcomes, connectors, context)];
}

function nextPhase(
  request: RequestState,
  outcomes: Outcomes,
  connectors: readonly ConnectorStatus[],
  context: DecisionContext,
): Decision[] {
  if (wantsRestore(request))
    return [
      {
        key: `restore:${request.restoreRequestedAt}`,
        kind: 'restore-started',
        instances: request.instances.map(i => i.instance),
      },
    ];
  switch (request.phase) {
    case 'staged':
      return [];
    case 'cutting':
      return cutDecision(request, connectors, outcomes);
    case 'cut':
    case 'held':
      return afterCut(request, connectors, context);
    case 'purging':
      return connectors.every(c => stepsSettled(c, planOf(request, c), 'purge')) ? [closed('purged')] : [];
    case 'restoring':
      return request.instances.every(i => outcomes.get(i.instance)?.finished.restore)
        ? [{ key: `restored:${request.restoreRequestedAt}`, kind: 'restored' }]
        : [];
    case 'closed':
      return reverification(request, context);
    case 'restored':
      return [];
  }
}

/** A wish to restore counts before the purge, and after a close that only cut. */
function wantsRestore(request: RequestState): boolean {
  if (request.restoreRequestedAt === null) return false;
  if (request.phase === 'closed') return request.closedOutcome !== 'purged';
  return request.phase === 'cutting' || request.phase === 'cut' || request.phase === 'held';
}

const closed = (outcome: 'purged' | 'cut-only' | 'nothing-bound'): Decision => ({
  key: 'closed',
  kind: 'closed',
  outcome,
});

function cutDecision(
  request: RequestState,
  connectors: readonly ConnectorStatus[],
  outcomes: Outcomes,
): Decision[] {
  if (request.instances.length === 0) return [closed('nothing-bound')];
  if (!barrierHolds(request, connectors)) return [];
  const residual = connectors.flatMap(c => c.residualAccessUntil ?? []).sort();
  const waived = connectors.flatMap(c =>
    c.steps.filter(s => s.state === 'waived').map(s => ({ instance: c.connector, step: s.step })),
  );
  const noAccount = request.instances.map(i => i.instance).filter(i => outcomes.get(i)?.account === 'none');
  return [{ key: 'cut', kind: 'cut', residualAccessUntil: residual.at(-1) ?? null, waived, noAccount }];
}

/** Every bound instance has verified its cut, or a named person accepted what is missing. */
export function barrierHolds(request: RequestState, connectors: readonly ConnectorStatus[]): boolean {
  return connectors.every(c => stepsSettled(c, planOf(request, c), 'cut'));
}

const planOf = (request: RequestState, connector: ConnectorStatus): readonly PlannedStep[] =>
  request.instances.find(i => i.instance === connector.connector)?.steps ?? [];

function stepsSettled(
  connector: ConnectorStatus,
  plan: readonly PlannedStep[],
  stage: 'cut' | 'purge',
): boolean {
  return plan
    .filter(p => p.stage === stage)
    .every(p => connector.steps.some(s => s.step === p.step && isSettled(s)));
}

function afterCut(
  request: RequestState,
  connectors: readonly ConnectorStatus[],
  context: DecisionContext,
): Decision[] {
  if (request.hold.kind === 'never') return [closed('cut-only')];
  if (request.phase === 'cut' && request.hold.kind === 'after')
    return [{ key: 'held', kind: 'held', purgeAfter: purgeAfter(request) }];
  const due = request.hold.kind === 'none' || Date.parse(request.purgeAfter ?? '') <= context.now.getTime();
  if (!due || request.legalHold || !barrierHolds(request, connectors)) return [];
  const other = context.otherLiveSubject;
  const reclaimed = other === undefined ? [] : connectors.filter(c => !isHandedOver(c)).map(c => c.connector);
  if (other !== undefined && reclaimed.length > 0)
    return reclaimed.map(instance => ({
      key: `reclaimed:${instance}:${other}`,
      kind: 'account-reclaimed',
      instance,
      otherSubject: other,
    }));
  return [
    {
      key: 'purge',
      kind: 'purge-started',
      instances: connectors.filter(c => !isHandedOver(c)).map(c => c.connector),
    },
  ];
}

/** A waived deletion, or no account at all: nothing of the person is deleted there. */
const isHandedOver = (c: ConnectorStatus): boolean =>
  c.steps.some(s => s.step === 'delete' && s.state === 'waived');

function purgeAfter(request: RequestState): string {
  const held = Date.parse(request.cutAt ?? request.requestedAt) + request.hold.seconds * 1_000;
  const residual =
    request.residualAccessUntil === null || request.hold.ignoreResidualAccess
      ? 0
      : Date.parse(request.residualAccessUntil);
  return new Date(Math.max(held, residual)).toISOString();
}

function reverification(request: RequestState, context: DecisionContext): Decision[] {
  const round = request.reverifications + 1;
  const at = reverifyAt(request, context.reverifyAfterSeconds);
  if (at === undefined || at > context.now.getTime() || request.rehiredAt !== null) return [];
  return [
    {
      key: `reverify:${round}`,
      kind: 'reverification-requested',
      instances: request.instances.map(i => i.instance),
      round,
    },
  ];
}

/** When a closed opt-out is next observed again, in milliseconds since 1970. */
export function reverifyAt(request: RequestState, schedule: readonly number[]): number | undefined {
  const after = schedule[request.reverifications];
  if (
    request.closedAt === null ||
    after === undefined ||
    request.instances.length === 0 ||
    request.rehiredAt !== null
  )
    return undefined;
  return Date.parse(request.closedAt) + after * 1_000;
}
