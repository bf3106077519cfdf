import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { checkHistory, namesOf } from './check-history.js';
import { ANOMALIES, type Anomaly } from './finding.js';
import { BUGS, CONSEQUENCES, type Bug } from './simulation/bug.js';
import { simulate, type Scale } from './simulation/simulate.js';

const scales: fc.Arbitrary<Scale> = fc.record({
  seed: fc.integer({ min: 0, max: 2 ** 31 }),
  steps: fc.integer({ min: 50, max: 1_500 }),
  partitions: fc.integer({ min: 1, max: 4 }),
  clients: fc.integer({ min: 1, max: 6 }),
  people: fc.integer({ min: 1, max: 4 }),
});

describe('the history of a simulated log', () => {
  it('shows nothing when the log is correct, whatever is killed, stalled, moved or sent again', () => {
    fc.assert(
      fc.property(scales, scale => {
        expect(checkHistory(simulate(scale).operations)).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  it('goes through everything that must not matter', () => {
    const { operations } = simulate({ seed: 7, steps: 5_000, partitions: 3, clients: 5, people: 3 });
    const count = (is: (o: (typeof operations)[number]) => boolean): number => operations.filter(is).length;
    expect(count(o => o.kind === 'assigned')).toBeGreaterThan(20);
    expect(count(o => o.kind === 'append' && o.status === 'indeterminate')).toBeGreaterThan(5);
    expect(count(o => o.kind === 'append' && o.status === 'failed')).toBeGreaterThan(5);
    expect(count(o => o.kind === 'effect' && o.attempt > 1)).toBeGreaterThan(0);
    const polled = operations.flatMap(o => (o.kind === 'poll' && o.reader !== 'tail' ? o.records : []));
    // Records came again after a crash or a rebalance.
    expect(polled.length).toBeGreaterThan(new Set(polled.map(r => r.eventId)).size * 2);
  });

  it.each(Object.entries(BUGS) as [Bug, readonly Anomaly[]][])(
    'with the bug %s shows %j and nothing else',
    (bug, anomalies) => {
      const allowed: readonly Anomaly[] = [...anomalies, ...(CONSEQUENCES[bug] ?? [])];
      let runsStruck = 0;
      fc.assert(
        fc.property(scales, scale => {
          const { operations, struck } = simulate(scale, bug);
          const found = namesOf(checkHistory(operations));
          expect(found.filter(name => !allowed.includes(name))).toEqual([]);
          expect(found.some(name => anomalies.includes(name))).toBe(struck > 0);
          if (struck > 0) runsStruck += 1;
        }),
        { numRuns: 100 },
      );
      // A bug that never does harm would prove nothing.
      expect(runsStruck).toBeGreaterThan(10);
    },
  );

  it('has a planted bug for every anomaly', () => {
    expect([...new Set(Object.values(BUGS).flat())].sort()).toEqual([...ANOMALIES].sort());
  });
});
