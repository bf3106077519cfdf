import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { OptOutsUnderWay } from './opt-outs-under-way.js';

const source = { tenant: 'acme', source: 'connection:entra' };

describe('opt-outs under way', () => {
  it('give each who enters a place behind everybody who is there', () => {
    const ledger = new OptOutsUnderWay();
    const places = Array.from({ length: 64 }, (_, i) => ledger.enter({}, source, `p${i}`).size);
    expect(places).toEqual(Array.from({ length: 64 }, (_, i) => i + 1));
  });

  it('count a person once, and one source and tenant apart from another', () => {
    const ledger = new OptOutsUnderWay();
    ledger.enter({}, source, 'p');
    expect(ledger.enter({}, source, 'p').size).toBe(1);
    expect(ledger.enter({}, { ...source, source: 'connection:okta' }, 'q').size).toBe(1);
    expect(ledger.enter({}, { ...source, tenant: 'globex' }, 'q').size).toBe(1);
  });

  it('are those that entered and did not leave, whatever the order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ write: fc.nat(5), person: fc.nat(3), leaves: fc.boolean() })),
        steps => {
          const ledger = new OptOutsUnderWay();
          const writes = Array.from({ length: 6 }, () => ({}));
          const model = new Map<number, number>();
          for (const { write, person, leaves } of steps) {
            if (leaves) {
              ledger.left(writes[write]!);
              model.delete(write);
              continue;
            }
            model.set(write, person);
            const here = ledger.enter(writes[write]!, source, `p${person}`);
            expect([...here].sort()).toEqual([...new Set(model.values())].map(p => `p${p}`).sort());
          }
        },
      ),
    );
  });
});
