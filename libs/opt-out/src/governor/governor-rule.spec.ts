import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  GOVERNOR_DEFAULTS,
  effectiveLimit,
  heldBy,
  needsPeople,
  type GovernorLimits,
} from './governor-rule.js';

const anyLimits: fc.Arbitrary<GovernorLimits> = fc.record({
  windowSeconds: fc.integer({ min: 1, max: 86_400 }),
  maxOptOuts: fc.nat(2_000),
  percent: fc.integer({ min: 0, max: 100 }),
  percentFloor: fc.nat(500),
});
const people = fc.option(fc.nat(20_000), { nil: undefined });
const optOuts = fc.integer({ min: 1, max: 3_000 });

describe('the governor by default', () => {
  it.each([
    ['a single leaver of a small connection', 1, 1, undefined],
    ['everybody of a small connection', 100, 100, undefined],
    ['one more than the floor in a small connection', 101, 120, 'percent-of-people'],
    ['a quarter of the people', 250, 1_000, undefined],
    ['one more than a quarter', 251, 1_000, 'percent-of-people'],
    ['the maximum in a large connection', 500, 100_000, undefined],
    ['one more than the maximum', 501, 100_000, 'max-opt-outs'],
  ] as const)('%s', (_name, count, of, rule) => {
    expect(heldBy(GOVERNOR_DEFAULTS, { optOuts: count, people: of })?.rule).toBe(rule);
  });
});

describe('the rule', () => {
  it('lets as many pass as the limit says and holds every further one, with the facts', () => {
    fc.assert(
      fc.property(anyLimits, people, optOuts, (limits, of, count) => {
        const { rule, limit } = effectiveLimit(limits, of);
        const expected =
          count <= limit ? undefined : { rule, count, limit, windowSeconds: limits.windowSeconds };
        expect(heldBy(limits, { optOuts: count, people: of })).toEqual(expected);
      }),
    );
  });

  it('once it holds it goes on holding, whoever comes next', () => {
    fc.assert(
      fc.property(anyLimits, people, optOuts, fc.nat(500), (limits, of, count, more) => {
        fc.pre(heldBy(limits, { optOuts: count, people: of }) !== undefined);
        expect(heldBy(limits, { optOuts: count + more, people: of })).toBeDefined();
      }),
    );
  });

  it('never allows more than the maximum, nor less than the floor where the maximum does not', () => {
    fc.assert(
      fc.property(anyLimits, people, (limits, of) => {
        const { limit } = effectiveLimit(limits, of);
        expect(limit).toBeLessThanOrEqual(limits.maxOptOuts);
        expect(limit).toBeGreaterThanOrEqual(Math.min(limits.percentFloor, limits.maxOptOuts));
      }),
    );
  });

  it('says the same without the number of people wherever it is said not to matter', () => {
    fc.assert(
      fc.property(anyLimits, fc.nat(20_000), optOuts, (limits, of, count) => {
        fc.pre(!needsPeople(limits, count));
        const [with_, without] = [of, undefined].map(p => heldBy(limits, { optOuts: count, people: p }));
        expect(with_ === undefined).toBe(without === undefined);
      }),
    );
  });
});
