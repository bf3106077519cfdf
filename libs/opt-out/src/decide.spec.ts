import { describe, expect, it } from '@jest/globals';
import {
  makeEvent,
  nameBasedId,
  type EventData,
  type EventType,
  type HoldPolicy,
  type SeverEvent,
  type Step,
} from '@sever/event-contracts';
import fc from 'fast-check';
import { decide } from './decide.js';
import type { Decision } from './decision.js';
import { foldOutcome } from './fold-outcomes.js';
import { foldRequest } from './fold-requests.js';
import { nextDue } from './next-due.js';
import { optOutStatus } from './opt-out-status.js';
import type { OutcomeState } from './outcome-state.js';
import type { RequestState } from './request-state.js';

const START = Date.parse('2026-01-01T00:00:00.000Z');
const CUT: Step[] = ['suspend', 'endSessions', 'stripEntitlements'];
const sealed = { alg: 'A256GCM', kid: 's:1', n: 'n', kc: 'k', ct: 'c' } as const;
const fact = {
  actor: { kind: 'coordinator', id: 'coordinator' },
  target: { kind: 'subject', id: 's' },
} as const;

/** One opt-out with its coordinator: events go in, decisions come back as events until nothing more follows. */
class Life {
  request: RequestState | undefined;
  readonly outcomes = new Map<string, OutcomeState>();
  readonly decided: Decision[] = [];
  now = START;
  other: string | undefined;
  private n = 0;

  constructor(
    hold: HoldPolicy['kind'] = 'after',
    instances = ['a', 'b'],
    support: 'supported' | 'unsupported' = 'supported',
  ) {
    const steps = [
      ...CUT.map(step => ({ step, stage: 'cut' as const })),
      { step: 'delete' as const, stage: 'purge' as const },
    ];
    this.tell('sever.optout.requested.v1', {
      ...fact,
      door: { via: 'rest', operation: 'opt-out' },
      reason: null,
      asker: { kind: 'api', id: 'x' },
      identifiers: sealed,
      instances: instances.map(instance => ({
        instance,
        system: 'spec',
        waivers: [],
        steps: steps.map(s => ({
          ...s,
          support: s.step === 'endSessions' ? support : ('supported' as const),
        })),
      })),
      nothingBound: instances.length === 0,
      hold: { kind: hold, seconds: 60, ignoreResidualAccess: false },
      cutDeadlineSeconds: 300,
      resourceRemoved: false,
    });
  }

  tell<T extends EventType>(type: T, data: EventData<T>): this {
    const event = this.event(type, data);
    const { instance } = event.data as { instance?: string };
    if (type.startsWith('sever.optout.')) this.request = foldRequest(this.request, event);
    else if (instance !== undefined) {
      const next = foldOutcome(this.outcomes.get(instance), event);
      if (next) this.outcomes.set(instance, next);
    }
    return this.settle();
  }

  step(
    instance: string,
    step: Step,
    type: 'sever.step.verified.v1' | 'sever.step.acted.v1' = 'sever.step.verified.v1',
  ): this {
    return this.tell(type, {
      ...this.work(instance, step === 'delete' ? 'purge' : 'cut'),
      step,
      residualAccessUntil: null,
    });
  }

  cut(...instances: string[]): this {
    for (const instance of instances) for (const step of CUT) this.step(instance, step);
    return this;
  }

  finished(instance: string, stage: 'restore'): this {
    return this.tell('sever.connector.stage-finished.v1', this.work(instance, stage));
  }

  refused(instance: string, step: Step, next: 'park' | 'retry'): this {
    return this.tell('sever.vendor.refused.v1', {
      ...this.work(instance, 'cut'),
      step,
      phase: 'act',
      code: 'vendor.forbidden',
      disposition: { next, dueAt: null },
    });
  }

  restoreAsked(): this {
    const operator = { ...fact, door: { via: 'rest', operation: 'restore' }, reason: null } as const;
    return this.tell('sever.optout.restore-requested.v1', {
      ...operator,
      asker: { kind: 'api', id: 'x' },
      overridesAskers: true,
    });
  }

  at(seconds: number): this {
    this.now = START + seconds * 1_000;
    return this.settle();
  }

  kinds(): string[] {
    return this.decided.map(d => d.kind);
  }

  state(): string {
    return this.request ? optOutStatus(this.request, this.outcomes, new Date(this.now)).state : '';
  }

  private work(instance: string, stage: 'cut' | 'purge' | 'restore') {
    return { ...fact, instance, system: 'spec', stage, attempt: 1, evidence: {} };
  }

  private settle(): this {
    for (let rounds = 0; rounds < 20; rounds += 1) {
      if (!this.request) return this;
      const context = {
        now: new Date(this.now),
        otherLiveSubject: this.other,
        reverifyAfterSeconds: [3_600],
      };
      const fresh = decide(this.request, this.outcomes, context).filter(
        d => !this.decided.some(known => known.key === d.key),
      );
      if (fresh.length === 0) return this;
      for (const decision of fresh) {
        this.decided.push(decision);
        const { key: _key, kind, ...data } = decision;
        const at = new Date(this.now).toISOString();
        const times =
          { cut: { cutAt: at }, closed: { closedAt: at }, restored: { restoredAt: at } }[kind as 'cut'] ?? {};
        this.request = foldRequest(
          this.request,
          this.event(`sever.optout.${kind}.v1` as EventType, { ...fact, ...data, ...times } as never),
        );
      }
    }
    throw new Error('the decisions do not come to rest');
  }

  private event<T extends EventType>(type: T, data: EventData<T>): SeverEvent {
    this.n += 1;
    const ids = { id: nameBasedId('decide', this.n), optOutId: nameBasedId('opt-out') };
    return makeEvent({
      type,
      ...ids,
      source: '/spec',
      tenant: 't',
      subject: 's',
      time: new Date(this.now),
      data,
    }) as SeverEvent;
  }
}

describe('the coordinator decides', () => {
  it('nothing before every system has verified its cut', () => {
    const life = new Life()
      .cut('a')
      .step('b', 'suspend')
      .step('b', 'endSessions')
      .step('b', 'stripEntitlements', 'sever.step.acted.v1');
    expect(life.kinds()).toEqual([]);
    expect(life.state()).toBe('cutting');
  });

  it('cut, hold, purge, close', () => {
    const life = new Life().cut('a', 'b');
    expect(life.kinds()).toEqual(['cut', 'held']);
    expect(life.at(59).kinds()).toHaveLength(2);
    expect(life.at(60).kinds().at(-1)).toBe('purge-started');
    expect(life.step('a', 'delete').kinds().at(-1)).toBe('purge-started');
    expect(life.step('b', 'delete').kinds().at(-1)).toBe('closed');
    expect(life.at(3_601).kinds().at(-1)).toBe('closed');
    expect(life.at(3_661).kinds().at(-1)).toBe('reverification-requested');
  });

  it('the purge at once without a hold, and none when there shall be none', () => {
    expect(new Life('none').cut('a', 'b').kinds()).toEqual(['cut', 'purge-started']);
    expect(new Life('never').cut('a', 'b').kinds()).toEqual(['cut', 'closed']);
  });

  it('to close what is bound to nothing', () => {
    expect(new Life('after', []).decided).toEqual([
      { key: 'closed', kind: 'closed', outcome: 'nothing-bound' },
    ]);
  });

  it('that an observed absence satisfies the cut', () => {
    const life = new Life().cut('a').tell('sever.account.not-found.v1', {
      ...fact,
      instance: 'b',
      system: 'spec',
      stage: 'cut',
      attempt: 0,
      evidence: {},
      keysTried: ['userName'],
      confirmed: true,
    });
    expect(life.decided[0]).toMatchObject({ kind: 'cut', noAccount: ['b'] });
  });

  it('to call a person for what cannot be done, until somebody accepts it', () => {
    const life = new Life('after', ['a'], 'unsupported').step('a', 'suspend').step('a', 'stripEntitlements');
    expect(life.kinds()).toEqual(['attention-raised']);
    const operator = { ...fact, door: { via: 'rest', operation: 'operator' }, reason: null } as const;
    life.tell('sever.optout.waived.v1', {
      ...operator,
      instance: 'a',
      step: 'endSessions',
      owner: 'someone',
      expiresAt: new Date(START + 30_000).toISOString(),
    });
    expect(life.kinds()).toEqual(['attention-raised', 'cut', 'attention-cleared', 'held']);
    // The waiver ran out before the hold: the barrier does not hold any more.
    expect(life.at(61).kinds()).not.toContain('purge-started');
  });

  it('to call a person for a parked step, and to say when it is over', () => {
    const life = new Life().cut('a').refused('b', 'suspend', 'park');
    expect(life.kinds()).toEqual(['attention-raised']);
    life.cut('b');
    expect(life.kinds().sort()).toEqual(['attention-cleared', 'attention-raised', 'cut', 'held']);
  });

  it('nobody is needed for what is tried again', () => {
    expect(new Life().refused('b', 'suspend', 'retry').kinds()).toEqual([]);
  });

  it('that a deadline was missed, once per step', () => {
    const life = new Life().cut('a').step('b', 'suspend').at(301).at(302);
    expect(life.decided.map(d => ('step' in d ? `${d.kind} ${d.step}` : d.kind))).toEqual([
      'deadline-missed endSessions',
      'deadline-missed stripEntitlements',
    ]);
  });

  it('to give back while that is possible, and not afterwards', () => {
    expect(new Life().restoreAsked().finished('a', 'restore').finished('b', 'restore').kinds()).toEqual([
      'restore-started',
      'restored',
    ]);
    expect(new Life().cut('a', 'b').restoreAsked().kinds()).toEqual(['cut', 'held', 'restore-started']);
    expect(new Life('never').cut('a', 'b').restoreAsked().kinds()).toEqual([
      'cut',
      'closed',
      'restore-started',
    ]);
    expect(new Life('none').cut('a', 'b').restoreAsked().kinds()).toEqual(['cut', 'purge-started']);
  });

  it('not to purge under a legal hold, nor while somebody else has the name', () => {
    const operator = { ...fact, door: { via: 'rest', operation: 'operator' }, reason: null } as const;
    const held = new Life().cut('a', 'b').tell('sever.optout.hold-placed.v1', operator).at(100);
    expect(held.kinds()).not.toContain('purge-started');
    expect(held.tell('sever.optout.hold-released.v1', operator).kinds()).toContain('purge-started');
    const reclaimed = new Life().cut('a', 'b');
    reclaimed.other = 'somebody-else';
    reclaimed.at(100);
    expect(reclaimed.kinds().filter(k => k !== 'cut' && k !== 'held')).toEqual([
      'account-reclaimed',
      'account-reclaimed',
      'attention-raised',
    ]);
  });

  it('the same, each once, in whatever order the outcomes of the systems arrive', () => {
    const expected = new Life()
      .cut('a', 'b')
      .at(60)
      .step('a', 'delete')
      .step('b', 'delete')
      .decided.map(d => d.key);
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }), picks => {
        const queues = { a: [...CUT], b: [...CUT] };
        const life = new Life();
        for (const pick of picks) {
          const instance = (pick && queues.a.length > 0) || queues.b.length === 0 ? 'a' : 'b';
          const step = queues[instance].shift();
          if (step) life.step(instance, step).step(instance, step);
        }
        life.at(60).step('b', 'delete').step('a', 'delete');
        expect(life.decided.map(d => d.key)).toEqual(expected);
      }),
    );
  });

  it('phases that are shown only beside the outcomes they rest on, in whatever order the topics are read', () => {
    const life = new Life().cut('a', 'b').at(60).step('a', 'delete').step('b', 'delete');
    const { request } = life;
    if (!request) throw new Error('no opt-out');
    const shown = (read: Iterable<[string, OutcomeState]>, phase = request.phase) =>
      optOutStatus({ ...request, phase }, new Map(read), new Date(life.now)).state;
    const early = new Life().cut('a', 'b').at(60).step('a', 'delete').outcomes;
    const earlier = new Life().cut('a').step('b', 'suspend').outcomes;
    expect(shown(life.outcomes)).toBe('closed');
    expect(shown(early)).toBe('purging');
    expect(shown(earlier)).toBe('cutting');
    expect(shown([])).toBe('requested');
    for (const phase of ['cut', 'held', 'purging'] as const) {
      expect(shown(early, phase)).toBe(phase);
      expect(shown(earlier, phase)).toBe('cutting');
    }
  });

  it('that a closed opt-out stays closed, whatever a later look finds', () => {
    const life = new Life('after', ['a']).cut('a').at(60).step('a', 'delete').at(3_661);
    life.tell('sever.account.adopted.v1', {
      ...fact,
      instance: 'a',
      system: 'spec',
      stage: 'reverify',
      attempt: 1,
      evidence: {},
      accountRef: sealed,
      key: 'userName',
    });
    life.outcomes.set('a', { ...(life.outcomes.get('a') as OutcomeState), steps: {} });
    expect(life.state()).toBe('closed');
  });

  it('when to look again', () => {
    const { request } = new Life().cut('a', 'b');
    expect(request && nextDue(request, new Date(START), [])?.getTime()).toBe(START + 60_000);
  });
});
