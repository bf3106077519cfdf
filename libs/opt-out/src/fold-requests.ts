import { FIELD_PATHS, type Asker, type SeverEvent } from '@sever/event-contracts';
import type { GrantedWaiver, RequestState } from './request-state.js';

type Requested = SeverEvent<'sever.optout.requested.v1'>;

/**
 * Folds one event of the `requests` topic into an opt-out. Pure.
 * @param state undefined before `OptOutRequested`
 * @returns the next state (a new object), or the same one when the event does not concern opt-outs
 */
export function foldRequest(state: RequestState | undefined, event: SeverEvent): RequestState | undefined {
  if (event.type === 'sever.optout.requested.v1') return state ?? opened(event);
  return state && followUp(state, event);
}

function opened(event: Requested): RequestState {
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
    instances: data.instances,
    hold: data.hold,
    cutDeadlineAt: new Date(Date.parse(event.time) + data.cutDeadlineSeconds * 1_000).toISOString(),
    waivers: bindingWaivers(event),
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
    commandEvent: event.id,
    reverifications: 0,
  };
}

function bindingWaivers(event: Requested): GrantedWaiver[] {
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
      return {
        ...state,
        restoreRequestedAt: event.time,
        askers: event.data.overridesAskers ? [] : withoutAsker(state.askers, event.data.asker),
      };
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
