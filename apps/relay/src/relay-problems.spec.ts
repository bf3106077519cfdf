import { describe, expect, it } from '@jest/globals';
import { problemsOf } from './relay-problems.js';

const fine = { active: true, hasLooked: true, failingMs: 0, lastError: undefined };

describe('the readiness of the relay', () => {
  it('is given while it forwards, and while it stands by', () => {
    expect(problemsOf(fine)).toEqual({});
    expect(problemsOf({ ...fine, active: false })).toEqual({});
  });

  it('is not given before it has asked for the lease', () => {
    expect(problemsOf({ ...fine, active: false, hasLooked: false })).toHaveProperty('start');
  });

  it('outlasts a change of leaders, not an outage, and says why', () => {
    expect(problemsOf({ ...fine, failingMs: 3_000, lastError: 'NOT_LEADER' })).toEqual({});
    expect(problemsOf({ ...fine, failingMs: 60_000, lastError: 'no broker' }).forwarding).toMatch(
      /60 s: no broker/,
    );
  });
});
