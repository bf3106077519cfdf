import { describe, expect, it } from '@jest/globals';
import { partitionKey, type LogRecord, type TopicPartition } from '@sever/event-log';
import fc from 'fast-check';
import { Assignments } from './assignments.js';
import type { Position } from './fetch.js';

const PARTITIONS = 2;
const ENDS = 12;
const tp = (partition: number): TopicPartition => ({ topic: 'requests', partition });
const recordAt = (partition: number, offset: bigint): LogRecord => ({
  ...tp(partition),
  offset,
  logOffset: offset,
  key: 'k',
  type: 't',
  headers: {},
  value: Buffer.alloc(0),
  timestamp: 0,
});

/** Any order of assignments, pauses, seeks and reads; a read answers later than it was asked. */
const p = fc.nat(PARTITIONS - 1);
const reason = fc.constantFrom('a', 'b');
const n = fc.nat(ENDS);
const step = fc.oneof(
  { weight: 1, arbitrary: fc.record({ do: fc.constant('add' as const), p, n }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom<'remove' | 'release'>('remove', 'release'), p }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constantFrom<'pause' | 'resume'>('pause', 'resume'), p, reason }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('seek' as const), p, n }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('ask' as const), limit: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('answer' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** What is known of a partition: the next offset that must be delivered, and why nothing may be. */
type Known = { next: number; reasons: Set<string>; releasing: boolean };

class Model {
  private readonly known = new Map<number, Known>();
  private asked: { positions: Position[]; records: LogRecord[] } | undefined;
  private epoch = 0;

  constructor(private readonly sut: Assignments) {
    for (let i = 0; i < PARTITIONS; i += 1) this.add(i, 0);
  }

  play(s: Step): void {
    if (s.do === 'add') this.add(s.p, s.n);
    else if (s.do === 'ask') this.ask(s.limit);
    else if (s.do === 'answer') this.answer();
    else if (s.do === 'seek') this.seek(s.p, s.n);
    else if (s.do === 'pause') {
      this.sut.pause([tp(s.p)], s.reason);
      this.known.get(s.p)?.reasons.add(s.reason);
    } else if (s.do === 'resume') {
      this.sut.resume([tp(s.p)], s.reason);
      this.known.get(s.p)?.reasons.delete(s.reason);
    } else if (s.do === 'remove') {
      this.sut.remove([tp(s.p)]);
      this.known.delete(s.p);
    } else {
      const held = this.sut.get(tp(s.p));
      const known = this.known.get(s.p);
      if (held && known) held.releasing = known.releasing = true;
    }
    const flowing = [...this.known].filter(([, k]) => k.reasons.size === 0 && !k.releasing);
    expect(new Map(this.sut.flowing().map(f => [f.tp.partition, Number(f.next)]))).toEqual(
      new Map(flowing.map(([p, k]) => [p, k.next])),
    );
  }

  private add(p: number, n: number): void {
    this.epoch += 1;
    this.sut.add({ tp: tp(p), epoch: this.epoch, fence: 0n, next: BigInt(n) });
    this.known.set(p, { next: n, reasons: new Set(), releasing: false });
  }

  private seek(p: number, n: number): void {
    this.sut.seek(new Map([[partitionKey(tp(p)), BigInt(n)]]));
    const known = this.known.get(p);
    if (known) known.next = n;
  }

  private ask(limit: number): void {
    const positions = this.sut.flowing();
    const records = positions.flatMap(({ tp: { partition }, next }) =>
      Array.from({ length: Math.max(0, Math.min(limit, ENDS - Number(next))) }, (_, i) =>
        recordAt(partition, next + BigInt(i)),
      ),
    );
    this.asked = { positions, records };
  }

  private answer(): void {
    if (!this.asked) return;
    for (const { assigned, records } of this.sut.accept(this.asked.records, this.asked.positions)) {
      const known = this.known.get(assigned.tp.partition);
      if (!known || known.reasons.size > 0 || known.releasing) throw new Error('delivered what is held back');
      for (const record of records) {
        expect(Number(record.offset)).toBe(known.next);
        known.next += 1;
      }
    }
    this.asked = undefined;
  }
}

const property = (make: () => Assignments): fc.IProperty<unknown> =>
  fc.property(fc.array(step, { maxLength: 60, size: 'max' }), steps => {
    const model = new Model(make());
    for (const s of steps) model.play(s);
  });

describe('the assignments', () => {
  it('deliver exactly from the position on, only what flows, whatever happens during a read', () => {
    fc.assert(
      property(() => new Assignments()),
      { numRuns: 500 },
    );
  });

  /** Trusts that nothing happened during a read. */
  class Trusting extends Assignments {
    override accept(records: readonly LogRecord[]): ReturnType<Assignments['accept']> {
      return super.accept(
        records,
        this.all().map(a => ({ tp: a.tp, next: a.next })),
      );
    }
  }
  class Forgetful extends Assignments {
    override resume(tps: readonly TopicPartition[]): void {
      for (const one of tps) this.get(one)?.reasons.clear();
    }
  }
  it.each([
    ['trusts that nothing happened during a read', () => new Trusting()],
    ['forgets other reasons', () => new Forgetful()],
  ])('are told from bookkeeping that %s', (_bug, make) => {
    expect(fc.check(property(make), { numRuns: 500 }).failed).toBe(true);
  });
});
