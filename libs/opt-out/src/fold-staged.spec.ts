import { describe, expect, it } from '@jest/globals';
import {
  makeEvent,
  nameBasedId,
  type EventData,
  type EventType,
  type SeverEvent,
} from '@sever/event-contracts';
import { decide } from './decide.js';
import { foldRequest } from './fold-requests.js';
import { nextDue } from './next-due.js';
import { optOutStatus } from './opt-out-status.js';
import type { OutcomeState } from './outcome-state.js';
import type { RequestState } from './request-state.js';

const START = Date.parse('2026-01-01T00:00:00.000Z');
const sealed = { alg: 'A256GCM', kid: 's:1', n: 'n', kc: 'k', ct: 'c' } as const;
const fact = { actor: { kind: 'api', id: 'operator' }, target: { kind: 'subject', id: 's' } } as const;
const operator = { ...fact, door: { via: 'rest', operation: 'operator' }, reason: null } as const;
const asker = { kind: 'connection', id: 'entra' } as const;
const guard = { rule: 'max-opt-outs', count: 501, limit: 500, windowSeconds: 600 } as const;
const cut = {
  identifiers: sealed,
  instances: [
    {
      instance: 'a',
      system: 'spec',
      waivers: [],
      steps: [{ step: 'suspend' as const, stage: 'cut' as const, support: 'supported' as const }],
    },
  ],
  nothingBound: false,
  hold: { kind: 'never' as const, seconds: 0, ignoreResidualAccess: false },
  cutDeadlineSeconds: 300,
};

let n = 0;
function event<T extends EventType>(type: T, data: EventData<T>, atSeconds: number): SeverEvent {
  n += 1;
  const ids = { id: nameBasedId('staged', n), optOutId: nameBasedId('opt-out') };
  const time = new Date(START + atSeconds * 1_000);
  return makeEvent({ type, ...ids, source: '/spec', tenant: 't', subject: 's', time, data }) as SeverEvent;
}

const staged = (): SeverEvent =>
  event('sever.optout.staged.v1', { ...operator, ...cut, asker, resourceRemoved: false, guard }, 0);
const approved = (at = 3_600): SeverEvent => event('sever.optout.approved.v1', { ...operator, ...cut }, at);
const rejected = (at = 3_600): SeverEvent => event('sever.optout.rejected.v1', operator, at);
const withdrawn = (at = 60): SeverEvent =>
  event('sever.optout.restore-requested.v1', { ...operator, asker, overridesAskers: false }, at);

const folded = (...events: SeverEvent[]): RequestState => {
  const state = events.reduce<RequestState | undefined>((s, e) => foldRequest(s, e), undefined);
  if (!state) throw new Error('nothing was opened');
  return state;
};

const decisionsOn = (state: RequestState, atSeconds: number): string[] =>
  decide(state, new Map<string, OutcomeState>(), {
    now: new Date(START + atSeconds * 1_000),
    otherLiveSubject: undefined,
    reverifyAfterSeconds: [],
  }).map(d => d.kind);

const statusOf = (state: RequestState) => optOutStatus(state, new Map(), new Date(START));

describe('a staged opt-out', () => {
  it('needs a person, says why, and nothing else happens, however long it waits', () => {
    const state = folded(staged());
    expect(statusOf(state)).toMatchObject({ state: 'staged', needsAttention: true });
    expect(state.attention).toMatchObject([{ code: 'governor.staged', instance: null, step: null }]);
    expect(state.attention[0]?.nextAction).toMatch(/approve or reject/);
    expect(state.guard).toEqual(guard);
    expect(decisionsOn(state, 1)).toEqual([]);
    expect(decisionsOn(state, 90 * 86_400)).toEqual([]);
    expect(nextDue(state, new Date(START), [3_600])).toBeUndefined();
  });

  it('begins when it is approved: what is to be done counts from then, when it was asked for stays', () => {
    const approval = approved(3_600);
    const before = folded(staged());
    const state = folded(staged(), approval);
    expect(statusOf(state)).toMatchObject({ state: 'requested', needsAttention: false });
    expect(state).toMatchObject({
      ...{ phase: 'cutting', requestedAt: before.requestedAt, commandEvent: approval.id, attention: [] },
      cutDeadlineAt: new Date(START + 3_900_000).toISOString(),
    });
    // Both are opened by the id of the event in which they stood.
    expect(state.identifiers).toEqual(before.identifiers);
    expect(state.requestEvent).not.toBe(approval.id);
    expect(decisionsOn(state, 3_601)).toEqual([]);
    expect(decisionsOn(state, 3_901)).toEqual(['deadline-missed']);
  });

  it('takes the systems as they are when it is approved', () => {
    const nothing = event(
      'sever.optout.approved.v1',
      { ...operator, ...cut, instances: [], nothingBound: true },
      10,
    );
    expect(decisionsOn(folded(staged(), nothing), 11)).toEqual(['closed']);
  });

  it('has ended when it is rejected, and no connector was asked for anything', () => {
    const state = folded(staged(), rejected());
    expect(statusOf(state)).toMatchObject({ state: 'restored', needsAttention: false });
    expect(state.restoredAt).toBe(new Date(START + 3_600_000).toISOString());
    expect(decisionsOn(state, 4_000)).toEqual([]);
  });

  it('has ended when its asker withdraws, at once', () => {
    const state = folded(staged(), withdrawn());
    expect(state).toMatchObject({ phase: 'restored', askers: [], attention: [] });
    expect(decisionsOn(state, 61)).toEqual([]);
  });

  it('is decided once: what comes after the end changes nothing', () => {
    const ended = [folded(staged(), rejected()), folded(staged(), withdrawn())];
    for (const state of ended)
      for (const late of [approved(), rejected(9_999)]) expect(foldRequest(state, late)).toEqual(state);
    const running = folded(staged(), approved());
    expect(foldRequest(running, approved(9_999))).toEqual(running);
    expect(foldRequest(running, rejected(9_999))).toEqual(running);
  });

  it('is withdrawn like any other once it was approved', () => {
    const state = folded(staged(), approved(), withdrawn(3_700));
    expect(state.phase).toBe('cutting');
    expect(decisionsOn(state, 3_701)).toEqual(['restore-started']);
  });

  it('keeps a legal hold and further askers over the approval', () => {
    const held = event('sever.optout.hold-placed.v1', operator, 5);
    const other = { kind: 'api', id: 'x' } as const;
    const joined = event(
      'sever.optout.repeated.v1',
      { ...operator, asker: other, resourceRemoved: false },
      6,
    );
    expect(folded(staged(), held, joined, approved())).toMatchObject({
      ...{ phase: 'cutting', legalHold: true, askers: [asker, other] },
    });
  });
});
