import { FIELD_PATHS, type Asker, type SeverEvent } from '@sever/event-contracts';
import { STAGED_NEED } from './governor/staged-need.js';
import type { GrantedWaiver, RequestState } from './request-state.js';

type Opening = SeverEvent<'sever.optout.requested.v1' | 'sever.optout.staged.v1'>;
type Command = Opening | SeverEvent<'sever.optout.approved.v1'>;

/**
 * Folds one event of the `requests` topic into an opt-out. Pure.
 * @param state undefined before `OptOutRequested` or `OptOutStaged`
 * @returns the next state (a new object), or the same one when the event does not concern opt-outs
 */
export function foldRequest(state: RequestState | undefined, event: SeverEvent): RequestState | undefined {
  if (event.type === 'sever.optout.requested.v1') return state ?? opened(event);
  if (event.type === 'sever.optout.staged.v1') return state ?? staged(event);
  return state && followUp(state, event);
}

function opened(event: Opening): RequestState {
  const { data } = event;
  return {
    optOutId: event.optoutid ?? event.id,
    tenant: event.tenant,
    subject: event.subject,
    phase: 'cutting',
    requestedAt: event.time,
    requestEvent: event.id,
    door: data.door,
    actor: data.actor,
    reason: data.reason,
    identifiers: data.identifiers,
    askers: [data.asker],
    ...commandOf(event),
    attention: [],
    legalHold: false,
    cutAt: null,
    residualAccessUntil: null,
    purgeAfter: null,
    closedAt: null,
    closedOutcome: null,
    restoreRequestedAt: null,
    restoredAt: null,
    rehiredAt: null,
    reverifications: 0,
  };
}

/** Accepted and not begun: a person is needed before anything happens. */
function staged(event: SeverEvent<'sever.optout.staged.v1'>): RequestState {
  const need = { ...STAGED_NEED, since: event.time };
  return { ...opened(event), phase: 'staged', attention: [need], guard: event.data.guard };
}

/** Begun by an operator. When it was requested stays; what is to be done, and until when, counts from now. */
const approved = (state: RequestState, event: SeverEvent<'sever.optout.approved.v1'>): RequestState => ({
  ...state,
  ...commandOf(event),
  phase: 'cutting',
  attention: [],
});

/** Ended before anything began. */
const endedUnbegun = (state: RequestState, at: string): RequestState => ({
  ...state,
  phase: 'restored',
  restoredAt: at,
  attention: [],
});

/** What the connectors are asked to do by this event. */
function commandOf(
  event: Command,
): Pick<RequestState, 'instances' | 'hold' | 'cutDeadlineAt' | 'waivers' | 'commandEvent'> {
  const { instances, hold, cutDeadlineSeconds } = event.data;
  return {
    instances,
    hold,
    cutDeadlineAt: new Date(Date.parse(event.time) + cutDeadlineSeconds * 1_000).toISOString(),
    waivers: bindingWaivers(event),
    commandEvent: event.id,
  };
}

function bindingWaivers(event: Command): GrantedWaiver[] {
  return event.data.instances.flatMap(({ instance, waivers }) =>
    waivers.map(waiver => ({
      instance,
      ...waiver,
      reasonAt: { eventId: event.id, path: FIELD_PATHS.bindingWaiverReason(instance, waiver.step) },
    })),
  );
}

function followUp(state: RequestState, event: SeverEvent): RequestState {
  switch (event.type) {
    case 'sever.optout.repeated.v1':
      return { ...state, askers: withAsker(state.askers, event.data.asker) };
    case 'sever.optout.restore-requested.v1':
      return restoreAsked(state, event);
    case 'sever.optout.approved.v1':
      return state.phase === 'staged' ? approved(state, event) : state;
    case 'sever.optout.rejected.v1':
      return state.phase === 'staged' ? endedUnbegun(state, event.time) : state;
    case 'sever.optout.restore-refused.v1':
      return event.data.withdrawn
        ? { ...state, askers: withoutAsker(state.askers, event.data.asker) }
        : state;
    case 'sever.optout.rehired-after-purge.v1':
      return { ...state, rehiredAt: event.time };
    case 'sever.optout.waived.v1':
      return { ...state, waivers: [...state.waivers, waiverOf(event)] };
    case 'sever.optout.hold-placed.v1':
      return { ...state, legalHold: true };
    case 'sever.optout.hold-released.v1':
      return { ...state, legalHold: false };
    default:
      return decision(state, event);
  }
}

/** Where nothing began there is nothing to give back. */
function restoreAsked(
  state: RequestState,
  { time, data }: SeverEvent<'sever.optout.restore-requested.v1'>,
): RequestState {
  const askers = data.overridesAskers ? [] : withoutAsker(state.askers, data.asker);
  const asked = { ...state, restoreRequestedAt: time, askers };
  return state.phase === 'staged' ? endedUnbegun(asked, time) : asked;
}

/** Events of the coordinator. */
function decision(state: RequestState, event: SeverEvent): RequestState {
  switch (event.type) {
    case 'sever.optout.cut.v1':
      return {
        ...state,
        phase: 'cut',
        cutAt: event.data.cutAt,
        residualAccessUntil: event.data.residualAccessUntil,
      };
    case 'sever.optout.held.v1':
      return { ...state, phase: 'held', purgeAfter: event.data.purgeAfter };
    case 'sever.optout.purge-started.v1':
      return { ...state, phase: 'purging', commandEvent: event.id };
    case 'sever.optout.closed.v1':
      return {
        ...state,
        phase: 'closed',
        closedAt: event.data.closedAt,
        closedOutcome: event.data.outcome,
        attention: [],
      };
    case 'sever.optout.restore-started.v1':
      return { ...state, phase: 'restoring', commandEvent: event.id };
    case 'sever.optout.restored.v1':
      return { ...state, phase: 'restored', restoredAt: event.data.restoredAt, attention: [] };
    case 'sever.optout.reverification-requested.v1':
      return { ...state, reverifications: event.data.round };
    case 'sever.optout.attention-raised.v1':
    case 'sever.optout.attention-cleared.v1':
      return { ...state, attention: attentionAfter(state, event) };
    default:
      return state;
  }
}

function attentionAfter(
  state: RequestState,
  event: SeverEvent<'sever.optout.attention-raised.v1' | 'sever.optout.attention-cleared.v1'>,
): RequestState['attention'] {
  const { code, instance, step } = event.data;
  const others = state.attention.filter(a => a.code !== code || a.instance !== instance || a.step !== step);
  if (event.type === 'sever.optout.attention-cleared.v1') return others;
  return [...others, { code, instance, step, nextAction: event.data.nextAction, since: event.time }];
}

function waiverOf({ id, data }: SeverEvent<'sever.optout.waived.v1'>): GrantedWaiver {
  const { instance, step, owner, reason, expiresAt } = data;
  return { instance, step, owner, reason, reasonAt: { eventId: id, path: FIELD_PATHS.reason }, expiresAt };
}

const sameAsker = (a: Asker, b: Asker): boolean => a.kind === b.kind && a.id === b.id;
const withoutAsker = (askers: readonly Asker[], asker: Asker): Asker[] =>
  askers.filter(a => !sameAsker(a, asker));
const withAsker = (askers: readonly Asker[], asker: Asker): Asker[] => [
  ...withoutAsker(askers, asker),
  asker,
];
