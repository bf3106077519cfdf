import { describe, expect, it } from '@jest/globals';
import { partitionKey, type LogRecord, type Offsets, type TopicPartition } from '@sever/event-log';
import fc from 'fast-check';
import { HeldPartitions, type Fetched } from './held-partitions.js';

const A: TopicPartition = { topic: 'requests', partition: 0 };
const B: TopicPartition = { topic: 'outcomes', partition: 0 };
const at = (tp: TopicPartition, offset: number): Offsets => new Map([[partitionKey(tp), BigInt(offset)]]);
const record = (tp: TopicPartition, offset: number, logOffset: number): LogRecord => ({
  ...tp,
  ...{ offset: BigInt(offset), logOffset: BigInt(logOffset), key: 'k', type: 't', headers: {}, timestamp: 0 },
  value: Buffer.alloc(0),
});
/** A fetch from `from` of records with these log offsets, one offset each. */
const fetch = (tp: TopicPartition, from: number, ...logs: number[]): Fetched => ({
  from: BigInt(from),
  next: BigInt(from + logs.length),
  records: logs.map((log, i) => record(tp, from + i, log)),
});
const logsOf = (accepted: ReturnType<HeldPartitions['accept']>): number[] | 'stray' =>
  accepted === 'stray' ? accepted : accepted.map(r => Number(r.logOffset));

function holding(offset = 0): HeldPartitions {
  const held = new HeldPartitions();
  held.begin([A, B]);
  held.seek(at(A, offset));
  return held;
}

describe('the partitions of an epoch', () => {
  it('drop what the relay repeated, inside one fetch and across fetches', () => {
    const held = holding(10);
    expect(logsOf(held.accept(A, fetch(A, 10, 4, 5, 6, 5, 6, 7)))).toEqual([4, 5, 6, 7]);
    expect(logsOf(held.accept(A, fetch(A, 16, 6, 7, 8)))).toEqual([8]);
    expect(held.position(A)).toBe(19n);
  });

  it('end at a gap, and take a repetition again after a seek or a new epoch', () => {
    const held = holding();
    held.accept(A, fetch(A, 0, 0, 1));
    expect(() => held.accept(A, fetch(A, 2, 3))).toThrow(expect.objectContaining({ code: 'log.gap' }));
    held.seek(at(A, 0));
    expect(logsOf(held.accept(A, fetch(A, 0, 0, 1)))).toEqual([0, 1]);
    held.begin([A]);
    held.seek(at(A, 1));
    expect(logsOf(held.accept(A, fetch(A, 1, 1)))).toEqual([1]);
  });

  it('refuse a fetch that began elsewhere, and end when it goes on', () => {
    const held = holding(100);
    for (let i = 0; i < 5; i += 1) expect(held.accept(A, fetch(A, 0, 0))).toBe('stray');
    expect(() => held.accept(A, fetch(A, 0, 0))).toThrow(
      expect.objectContaining({ code: 'log.position-lost' }),
    );
    held.seek(at(A, 100));
    for (let i = 0; i < 20; i += 1) {
      expect(held.accept(A, fetch(A, 7, 0))).toBe('stray');
      expect(logsOf(held.accept(A, fetch(A, 100 + i, i)))).toEqual([i]);
    }
  });

  it('take nothing while paused, leaving, unplaced or foreign', () => {
    const held = holding();
    held.pause([A], 'breaker');
    expect(held.accept(A, fetch(A, 0, 0))).toEqual([]);
    held.resume([A], 'breaker');
    expect(held.accept(B, fetch(B, 0, 0))).toBe('stray');
    expect(held.accept({ topic: 'requests', partition: 9 }, fetch(A, 0, 0))).toEqual([]);
    held.leave();
    expect([held.accept(A, fetch(A, 0, 0)), held.isFlowing]).toEqual([[], false]);
  });

  it('tell the first reason to pause and the last one that goes, partition by partition', () => {
    const held = holding();
    expect(held.pause([A, B], 'breaker')).toEqual([A, B]);
    expect(held.pause([A], 'backpressure')).toEqual([]);
    expect(held.resume([A], 'backpressure')).toEqual([]);
    expect(held.resume([A, B], 'breaker')).toEqual([A, B]);
    expect(held.resume([A], 'breaker')).toEqual([]);
    held.pause([A], 'breaker');
    held.begin([A]);
    expect(held.isPaused(A)).toBe(false);
    expect(held.pause([A], 'breaker')).toEqual([A]);
  });

  it('let a commit through that is of this epoch, owned and not backwards', () => {
    const held = new HeldPartitions();
    const first = held.begin([A, B]);
    held.knowCommitted(at(A, 5));
    const moves = (offsets: Offsets, epoch: number) => held.moves(offsets, epoch).map(m => Number(m.offset));
    expect(moves(at(A, 5), first)).toEqual([]);
    expect(moves(at(A, 6), first)).toEqual([6]);
    expect(moves(at({ topic: 'requests', partition: 7 }, 6), first)).toEqual([]);
    held.leave();
    expect(moves(at(A, 6), first)).toEqual([6]);
    const second = held.begin([B]);
    expect([moves(at(B, 6), first), moves(at(A, 6), second), moves(at(B, 6), second)]).toEqual([[], [], [6]]);
  });

  type Made = { new (): HeldPartitions };
  /** Any mix of repeated runs, as relays that took over leave them: what is delivered is the log, once. */
  const property = (Sut: Made): fc.IProperty<unknown> =>
    fc.property(
      fc.array(fc.record({ back: fc.nat(4), count: fc.integer({ min: 1, max: 5 }) }), { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
      fc.integer({ min: 0, max: 1_000 }),
      (runs, cuts, base) => {
        const topic: number[] = [];
        let end = 0;
        for (const { back, count } of runs) {
          const from = Math.max(0, end - back);
          for (let log = from; log < from + count; log += 1) topic.push(log);
          end = Math.max(end, from + count);
        }
        const held = new Sut();
        held.begin([A]);
        held.seek(at(A, base));
        const seen: number[] = [];
        for (let i = 0, turn = 0; i < topic.length; turn += 1) {
          const part = topic.slice(i, i + (cuts[turn % cuts.length] ?? 1));
          const got = logsOf(held.accept(A, fetch(A, base + i, ...part)));
          if (got === 'stray') throw new Error('a fetch in turn was refused');
          seen.push(...got);
          i += part.length;
        }
        expect(seen).toEqual(Array.from({ length: end }, (_, i) => i));
      },
    );

  it('deliver the log once, whatever relays repeated', () => {
    fc.assert(property(HeldPartitions));
  });

  it('are told from partitions that trust the topic', () => {
    class Trusting extends HeldPartitions {
      override accept(tp: TopicPartition, fetched: Fetched): ReturnType<HeldPartitions['accept']> {
        this.seek(new Map([[partitionKey(tp), fetched.from]]));
        return super.accept(tp, fetched);
      }
    }
    expect(fc.check(property(Trusting)).failed).toBe(true);
  });
});
