import { describe, expect, it } from '@jest/globals';
import { partitionKey, type LogRecord } from '@sever/event-log';
import fc from 'fast-check';
import { fairLimit } from './fair-limit.js';
import { withinBytes } from './within-bytes.js';

describe('the fair limit', () => {
  const given = (waiting: readonly number[], limit: number): number =>
    waiting.reduce((sum, n) => sum + Math.min(n, limit), 0);

  it('fits into the total, and no larger one would', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 96 }),
        fc.integer({ min: 96, max: 2_000 }),
        (waiting, total) => {
          const limit = fairLimit(waiting, total);
          expect(given(waiting, limit)).toBeLessThanOrEqual(total);
          const isAll = waiting.every(n => n <= limit);
          expect(isAll || given(waiting, limit + 1) > total).toBe(true);
        },
      ),
    );
  });

  it('gives one busy partition what the others leave', () => {
    expect(fairLimit([1, 1, 5_000], 1_000)).toBe(998);
    expect(fairLimit([10, 0, 3], 1_000)).toBe(10);
    expect(fairLimit([7, 7], 1)).toBe(1);
  });
});

describe('a batch within bytes', () => {
  const record = (partition: number, logOffset: bigint, bytes: number): LogRecord => ({
    ...{ topic: 'requests', partition, offset: logOffset, logOffset, value: Buffer.alloc(bytes) },
    ...{ key: 'acme:u', type: 't', headers: {}, timestamp: 0 },
  });
  const records = fc
    .array(
      fc.record({ partition: fc.integer({ min: 0, max: 3 }), bytes: fc.integer({ min: 0, max: 300 }) }),
      {
        minLength: 1,
        maxLength: 60,
      },
    )
    .map(all => {
      const next = [0n, 0n, 0n, 0n];
      return all.map(({ partition, bytes }) => {
        const offset = next[partition] ?? 0n;
        next[partition] = offset + 1n;
        return record(partition, offset, bytes);
      });
    });

  it('is a beginning of every partition, in order, never empty', () => {
    fc.assert(
      fc.property(records, all => {
        const kept = withinBytes(all, 1_000, 3_000);
        expect(kept.length).toBeGreaterThan(0);
        for (const partition of [0, 1, 2, 3]) {
          const of = (some: readonly LogRecord[]) =>
            some.filter(r => r.partition === partition).map(r => r.logOffset);
          expect(of(all).slice(0, of(kept).length)).toEqual(of(kept));
        }
        const bytes = kept.reduce((sum, r) => sum + r.value.length, 0);
        expect(bytes <= 3_000 || kept.length === 1).toBe(true);
      }),
    );
  });

  it('fits a hundred of the largest records of one partition into what a broker takes at once', () => {
    const all = Array.from({ length: 100 }, (_, i) => record(0, BigInt(i), 60_000));
    const kept = withinBytes(all);
    expect(kept).toHaveLength(8);
    expect(new Set(kept.map(partitionKey)).size).toBe(1);
  });
});
