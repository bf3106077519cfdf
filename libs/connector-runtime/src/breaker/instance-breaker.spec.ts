import { afterEach, describe, expect, it } from '@jest/globals';
import type { Connector, Outcome } from '@sever/connector-sdk';
import { InstanceBreaker, probeDelayMs } from './instance-breaker.js';

const transient: Outcome = { kind: 'Transient', code: 'http.503', effectUnknown: false, evidence: {} };
const rejected: Outcome = { kind: 'AuthFailed', code: 'http.401', help: 'renew the token', evidence: {} };

/** A target of which only the probe is asked. */
class ProbedTarget implements Connector {
  healthy = false;
  probes = 0;

  probe(): Promise<Outcome | { kind: 'Healthy' }> {
    this.probes += 1;
    return Promise.resolve(this.healthy ? { kind: 'Healthy' } : transient);
  }

  locate(): Promise<Outcome> {
    throw new Error('a probe never looks for a person');
  }

  verify(): Promise<never> {
    throw new Error('a probe never looks at a person');
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error('it did not come about in time');
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

describe('the breaker of an instance', () => {
  const opened: string[] = [];
  const errors: unknown[] = [];
  let closed = 0;
  let storable = true;
  const breakers: InstanceBreaker[] = [];

  const breakerOf = (target: ProbedTarget): InstanceBreaker => {
    opened.length = 0;
    errors.length = 0;
    closed = 0;
    storable = true;
    const breaker = new InstanceBreaker(target, {
      onOpen: cause => Promise.resolve(void opened.push(cause)),
      onClose: () => {
        if (!storable) return Promise.reject(new Error('the database is away'));
        closed += 1;
        return Promise.resolve();
      },
      onError: error => errors.push(error),
    });
    breakers.push(breaker);
    return breaker;
  };

  afterEach(() => {
    for (const breaker of breakers.splice(0)) breaker.stop();
  });

  it('opens at once when the credentials are rejected', async () => {
    const breaker = breakerOf(new ProbedTarget());
    await breaker.note(rejected, 'one');
    expect(breaker.isOpen).toBe(true);
    expect(opened).toEqual(['http.401']);
  });

  it('opens on five failures of three people, once', async () => {
    const breaker = breakerOf(new ProbedTarget());
    for (const subject of ['a', 'b', 'c', 'a']) await breaker.note(transient, subject);
    expect(breaker.isOpen).toBe(false);
    for (const subject of ['b', 'c', 'd']) await breaker.note(transient, subject);
    expect(opened).toEqual(['http.503']);
  });

  it('opens when nobody gets a reply that can be understood, but not for two people', async () => {
    const malformed: Outcome = { kind: 'Malformed', code: 'reply.html', evidence: {} };
    const breaker = breakerOf(new ProbedTarget());
    for (let i = 0; i < 50; i += 1) await breaker.note(malformed, i % 2 ? 'a' : 'b');
    expect(breaker.isOpen).toBe(false);
    for (const subject of ['c', 'd', 'e', 'f', 'g']) await breaker.note(malformed, subject);
    expect(opened).toEqual(['reply.html']);
  });

  it('stays closed for one poisoned person', async () => {
    const breaker = breakerOf(new ProbedTarget());
    for (let i = 0; i < 100; i += 1) await breaker.note(transient, 'poisoned');
    expect(breaker.isOpen).toBe(false);
  });

  it.each<Outcome>([
    { kind: 'RateLimited', code: 'quota', until: new Date(), evidence: {} },
    { kind: 'Forbidden', code: 'http.403', help: '', evidence: {} },
    { kind: 'Protected', rule: 'superuser', evidence: {} },
    { kind: 'Conflict', code: 'owns.objects', help: '', evidence: {} },
    { kind: 'StillPresent', code: 'session.alive', evidence: {} },
    { kind: 'NotFound', confirmed: true, keysTried: ['userName'], evidence: {} },
    { kind: 'Done', evidence: {} },
  ])('stays closed whatever happens to persons: $kind', async outcome => {
    const breaker = breakerOf(new ProbedTarget());
    for (let i = 0; i < 30; i += 1) await breaker.note(outcome, `s${i}`);
    expect(breaker.isOpen).toBe(false);
  });

  it('probes until the target answers, then closes and judges afresh', async () => {
    const target = new ProbedTarget();
    const breaker = breakerOf(target);
    await breaker.note(rejected, 'one');
    await until(() => target.probes >= 1);
    expect(breaker.isOpen).toBe(true);
    target.healthy = true;
    await until(() => closed === 1);
    expect(breaker.isOpen).toBe(false);
    for (const subject of ['a', 'b', 'c', 'a']) await breaker.note(transient, subject);
    expect(breaker.isOpen).toBe(false);
  }, 30_000);

  it('stays open when nobody can be told that it closed, and tries again', async () => {
    const target = new ProbedTarget();
    target.healthy = true;
    const breaker = breakerOf(target);
    storable = false;
    await breaker.note(rejected, 'one');
    await until(() => errors.length > 0);
    expect(breaker.isOpen).toBe(true);
    storable = true;
    await until(() => closed === 1);
    expect(breaker.isOpen).toBe(false);
  }, 30_000);

  it('starts open after a restart during an outage, and recovers without help', async () => {
    const target = new ProbedTarget();
    target.healthy = true;
    const breaker = breakerOf(target);
    breaker.resumeOpen(new Date(Date.now() - 3_600_000));
    expect(breaker.isOpen).toBe(true);
    expect(opened).toEqual([]);
    await until(() => closed === 1);
  }, 30_000);
});

describe('the wait before a probe', () => {
  it('doubles from a second to 15 seconds in the first ten minutes', () => {
    expect([0, 1, 2, 3, 4, 5, 50].map(n => probeDelayMs(n, 0))).toEqual([
      1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000,
    ]);
  });

  it('is at most a minute later', () => {
    expect(probeDelayMs(50, 600_000)).toBe(60_000);
  });
});
