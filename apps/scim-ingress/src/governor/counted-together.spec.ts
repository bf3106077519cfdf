import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { sourceKey } from '@sever/directory';
import { countedTogether, type Question } from './counted-together.js';
import { OptOutsUnderWay } from './opt-outs-under-way.js';

const source = { tenant: 'acme', source: 'connection:entra' };

describe('openings that ask at the same time', () => {
  it('count somebody who was done between the two of them', () => {
    const { sources, places } = countedTogether([
      { source, underWay: new Set(['early', 'one']) },
      { source, underWay: new Set(['two']) },
    ]);
    expect(places).toEqual([2, 3]);
    expect(sources.get(sourceKey(source))?.apart).toEqual(['early', 'one', 'two']);
  });

  it('count each source by itself', () => {
    const other = { tenant: 'acme', source: 'connection:okta' };
    const { places } = countedTogether([
      { source, underWay: new Set(['one']) },
      { source: other, underWay: new Set(['two']) },
    ]);
    expect(places).toEqual([1, 1]);
  });

  it('each miss nobody who entered before, whenever these are committed and whenever the database is asked', () => {
    const steps = fc.array(fc.oneof(fc.constant('enters'), fc.constant('look'), fc.nat(9)), {
      minLength: 10,
      maxLength: 60,
      size: 'max',
    });
    fc.assert(
      fc.property(steps, taken => {
        const ledger = new OptOutsUnderWay();
        const committed = new Set<string>();
        const decided: { write: object; subject: string }[] = [];
        let asking: (Question & { place: number; write: object; subject: string })[] = [];
        let entered = 0;
        for (const step of taken) {
          if (step === 'enters') {
            const [write, subject] = [{}, `p${(entered += 1)}`];
            const underWay = ledger.enter(write, source, subject);
            asking.push({ source, underWay, place: entered, write, subject });
          } else if (step === 'look') {
            const { sources, places } = countedTogether(asking);
            const apart = new Set(sources.get(sourceKey(source))?.apart);
            const others = [...committed].filter(subject => !apart.has(subject)).length;
            asking.forEach(({ place }, i) => expect(others + places[i]!).toBe(place));
            decided.push(...asking);
            asking = [];
          } else {
            const [done] = decided.splice(Number(step) % Math.max(1, decided.length), 1);
            if (!done) continue;
            committed.add(done.subject);
            ledger.left(done.write);
          }
        }
      }),
    );
  });
});
