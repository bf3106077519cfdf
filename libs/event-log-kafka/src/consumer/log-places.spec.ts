import { describe, expect, it } from '@jest/globals';
import type { LogRecord } from '@sever/event-log';
import fc from 'fast-check';
import { LogPlaces } from './log-places.js';

const record = (offset: number, logOffset: number): LogRecord => ({
  ...{ topic: 'requests', partition: 0, key: 'k', type: 't', headers: {}, timestamp: 0 },
  ...{ offset: BigInt(offset), logOffset: BigInt(logOffset), value: Buffer.alloc(0) },
});
const due = (places: LogPlaces, offset: number): number | undefined => {
  const found = places.dueAt(BigInt(offset));
  return found === undefined ? undefined : Number(found);
};

describe('the places in the log', () => {
  it('are known between what was delivered, also where the relay repeated itself', () => {
    const places = new LogPlaces();
    expect(due(places, 5)).toBeUndefined();
    places.add([record(10, 4), record(11, 5)]);
    places.add([record(12, 6), record(15, 7)]);
    expect([10, 11, 12, 13, 14, 15, 16].map(at => due(places, at))).toEqual([undefined, 5, 6, 7, 7, 7, 8]);
    places.forget(15n);
    expect([due(places, 15), due(places, 16)]).toEqual([7, 8]);
    places.forget(16n);
    expect([due(places, 15), due(places, 16)]).toEqual([undefined, 8]);
    places.clear();
    expect(due(places, 16)).toBeUndefined();
  });

  it('are those of the last record delivered before, for any repetitions', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3), { minLength: 1, maxLength: 30 }), fc.nat(40), (gaps, forgotten) => {
        const places = new LogPlaces();
        let offset = 0;
        const records = gaps.map((gap, log) => record((offset += gap + 1), log));
        places.add(records);
        places.forget(BigInt(forgotten));
        for (let at = forgotten; at <= offset + 2; at += 1) {
          const before = records.filter(r => r.offset < BigInt(at)).at(-1);
          expect(due(places, at)).toBe(before && Number(before.logOffset) + 1);
        }
      }),
    );
  });
});
