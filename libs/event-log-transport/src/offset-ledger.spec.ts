import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { OffsetLedger } from './offset-ledger.js';

describe('the ledger', () => {
  it('agrees with a brute-force model in any order of settling, with gaps', () => {
    fc.assert(
      fc.property(
        fc
          .uniqueArray(fc.integer({ min: 0, max: 200 }), { maxLength: 40 })
          .map(list => [...list].sort((a, b) => a - b)),
        fc.infiniteStream(fc.nat()),
        (delivered, picks) => {
          const ledger = new OffsetLedger(BigInt(delivered[0] ?? 0));
          for (const offset of delivered) ledger.delivered(BigInt(offset));
          const open = [...delivered];
          while (open.length > 0) {
            const [offset = 0] = open.splice((picks.next().value ?? 0) % open.length, 1);
            ledger.settle(BigInt(offset));
            const highest = open.length > 0 ? Math.min(...open) : Math.max(...delivered) + 1;
            expect(ledger.next()).toBe(BigInt(highest));
            expect(ledger.inFlight()).toBe(open.length);
          }
        },
      ),
    );
  });

  it('stays small over a long run', () => {
    const ledger = new OffsetLedger(0n);
    for (let i = 0n; i < 50_000n; i += 1n) {
      ledger.delivered(i);
      ledger.settle(i);
    }
    expect(ledger.next()).toBe(50_000n);
    expect(
      JSON.stringify(Object.values(ledger), (_k, v: unknown) => (typeof v === 'bigint' ? 1 : v)).length,
    ).toBeLessThan(10_000);
  });
});
