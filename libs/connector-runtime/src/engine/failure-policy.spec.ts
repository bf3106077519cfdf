import { describe, expect, it } from '@jest/globals';
import { countsAsTry, dispositionOf, type Failure, type FailureContext } from './failure-policy.js';

const NOW = new Date('2026-01-01T00:00:00.000Z');
const evidence = {};

const FAILURES: Readonly<Record<Failure['kind'], Failure>> = {
  RateLimited: { kind: 'RateLimited', code: 'quota', until: new Date(NOW.getTime() + 60_000), evidence },
  Transient: { kind: 'Transient', code: 'http.503', effectUnknown: false, evidence },
  AuthFailed: { kind: 'AuthFailed', code: 'http.401', help: 'renew the token', evidence },
  Forbidden: { kind: 'Forbidden', code: 'http.403', help: 'ask the owner', evidence },
  Protected: { kind: 'Protected', rule: 'superuser', evidence },
  Conflict: { kind: 'Conflict', code: 'owns.objects', help: 'name an heir', evidence },
  Malformed: { kind: 'Malformed', code: 'reply.html', evidence },
  StillPresent: { kind: 'StillPresent', code: 'session.alive', evidence },
};

const context = (tries: number, o: Partial<FailureContext> = {}): FailureContext => ({
  tries,
  now: NOW,
  deadline: new Date(NOW.getTime() + 300_000),
  random: () => 0.5,
  ...o,
});

const dueInMs = (failure: Failure, c: FailureContext): number => {
  const { next, dueAt } = dispositionOf(failure, c);
  if (next !== 'retry' || dueAt === null) throw new Error(`${failure.kind} is not tried again`);
  return Date.parse(dueAt) - c.now.getTime();
};

describe('what follows from a failure', () => {
  it.each(['Transient', 'AuthFailed', 'RateLimited'] as const)(
    '%s is tried again, however often it happened',
    kind => {
      for (const tries of [0, 1, 10, 1_000])
        expect(dispositionOf(FAILURES[kind], context(tries)).next).toBe('retry');
    },
  );

  it.each(['Forbidden', 'Protected'] as const)('%s waits for a person at once', kind => {
    expect(dispositionOf(FAILURES[kind], context(0))).toEqual({ next: 'park', dueAt: null });
  });

  it.each(['Conflict', 'Malformed', 'StillPresent'] as const)(
    '%s is tried some times, then waits for a person',
    kind => {
      expect(dispositionOf(FAILURES[kind], context(0)).next).toBe('retry');
      const first = Array.from({ length: 20 }, (_, n) => n).find(
        n => dispositionOf(FAILURES[kind], context(n)).next === 'park',
      );
      expect(first).toBeGreaterThanOrEqual(2);
      expect(first).toBeLessThanOrEqual(10);
      expect(dispositionOf(FAILURES[kind], context(1_000))).toEqual({ next: 'park', dueAt: null });
    },
  );

  it('never parks by age: an outage that outlives the deadline is still tried again', () => {
    const late = context(500, { deadline: new Date(NOW.getTime() - 72 * 3_600_000) });
    expect(dispositionOf(FAILURES.Transient, late).next).toBe('retry');
    expect(dueInMs(FAILURES.Transient, { ...late, random: () => 1 })).toBe(900_000);
  });

  it('comes back within 30 seconds while the deadline can be met', () => {
    expect(dueInMs(FAILURES.Transient, context(50, { random: () => 1 }))).toBe(30_000);
  });

  it('takes a rate limit as a floor, however far away, with a little jitter', () => {
    const inTwoDays = new Date(NOW.getTime() + 2 * 86_400_000);
    const limited: Failure = { kind: 'RateLimited', code: 'quota', until: inTwoDays, evidence };
    for (const random of [0, 0.5, 0.999]) {
      const wait = dueInMs(limited, context(0, { random: () => random }));
      expect(wait).toBeGreaterThanOrEqual(2 * 86_400_000);
      expect(wait).toBeLessThanOrEqual(2 * 86_400_000 + 1_000);
    }
  });

  it('does not reach into the past when a rate limit is over already', () => {
    const over: Failure = { kind: 'RateLimited', code: 'quota', until: new Date(0), evidence };
    expect(dueInMs(over, context(0, { random: () => 0 }))).toBe(0);
  });

  it('counts every failure as a try except a rate limit', () => {
    const counting = Object.values(FAILURES)
      .filter(countsAsTry)
      .map(f => f.kind);
    expect(counting).toEqual(Object.keys(FAILURES).filter(kind => kind !== 'RateLimited'));
  });
});
