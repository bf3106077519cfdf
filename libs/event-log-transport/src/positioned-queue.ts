import {
  EventLogError,
  partitionKey,
  type LogRecord,
  type Offsets,
  type PartitionKey,
  type TopicPartition,
} from '@sever/event-log';
import type { Advance, ConsumerPosition } from '@sever/event-log-postgres';

/** A partition of the current assignment: what is stored of it, and where it began when nothing is stored. */
export type Held = {
  readonly tp: TopicPartition;
  readonly epoch: number;
  stored: ConsumerPosition | undefined;
  first: bigint | undefined;
};

/** Records to apply in one transaction and the moves of the stored positions that go with them. */
export type Batch = { records: readonly LogRecord[]; moves: readonly Advance[] };

/** Records of one partition as they were delivered; those before `at` are taken. */
type Delivery = { held: Held; records: readonly LogRecord[]; at: number };

/** What waits to be applied, checked against the stored positions. Pure bookkeeping. */
export class PositionedQueue {
  private waiting: Delivery[] = [];
  private records = 0;
  private readonly held = new Map<PartitionKey, Held>();

  /** Records that wait. */
  get length(): number {
    return this.records;
  }

  all(): Held[] {
    return [...this.held.values()];
  }

  /** Takes a partition with what is stored of it. */
  hold(tp: TopicPartition, epoch: number, stored: ConsumerPosition | undefined): Held {
    const held: Held = { tp, epoch, stored, first: undefined };
    this.held.set(partitionKey(tp), held);
    return held;
  }

  /** Forgets a partition and what waits of it; a later assignment of it stays. */
  release(tp: TopicPartition, epoch: number): void {
    const held = this.held.get(partitionKey(tp));
    if (held?.epoch !== epoch) return;
    this.held.delete(partitionKey(tp));
    this.forget([held]);
  }

  /** Takes what was delivered of one partition in one epoch. */
  add(records: readonly LogRecord[], epoch: number): void {
    const [first] = records;
    const held = first && this.held.get(partitionKey(first));
    if (held?.epoch !== epoch) return;
    held.first ??= first?.offset;
    this.waiting.push({ held, records, at: 0 });
    this.records += records.length;
  }

  clear(): void {
    this.keep([]);
  }

  /**
   * The next records, without what the log repeats: a record whose log offset is stored already was applied.
   * @throws EventLogError `log.gap` when a record of the log is missing
   */
  take(limit: number): Batch {
    const last = new Map<Held, LogRecord>();
    const records: LogRecord[] = [];
    for (const { held, part } of this.cut(limit)) {
      const fresh = freshOf(part, nextLogOf(held, last));
      const newest = fresh.at(-1);
      if (newest) last.set(held, newest);
      for (const record of fresh) records.push(record);
    }
    return { records, moves: [...last].map(([held, record]) => moveOf(held, record)) };
  }

  /** The moves of a batch are stored now. */
  stored(moves: readonly Advance[]): void {
    for (const move of moves) {
      const held = this.held.get(partitionKey(move));
      if (held && (held.stored?.next ?? 0n) === move.expected)
        held.stored = { next: move.next, nextLog: move.nextLogOffset };
    }
  }

  forget(partitions: readonly Held[]): void {
    const gone = new Set(partitions);
    this.keep(this.waiting.filter(w => !gone.has(w.held)));
  }

  /**
   * Begins partitions again at what is stored.
   * @returns where delivery must go on; a partition that never delivered is where it was
   */
  rewind(partitions: readonly Held[], stored: ReadonlyMap<PartitionKey, ConsumerPosition>): Offsets {
    const current = partitions.filter(h => this.held.get(partitionKey(h.tp)) === h);
    this.forget(current);
    for (const h of current) h.stored = stored.get(partitionKey(h.tp));
    return new Map(
      current.flatMap(h => {
        const from = h.stored ? startOf(h.stored) : h.first;
        return from === undefined ? [] : [[partitionKey(h.tp), from] as const];
      }),
    );
  }

  /** Takes at most `limit` records off the front, by delivery. */
  private cut(limit: number): { held: Held; part: readonly LogRecord[] }[] {
    const parts: { held: Held; part: readonly LogRecord[] }[] = [];
    let left = Math.min(limit, this.records);
    this.records -= left;
    while (left > 0) {
      const [delivery] = this.waiting;
      if (!delivery) break;
      const part = delivery.records.slice(delivery.at, delivery.at + left);
      delivery.at += part.length;
      left -= part.length;
      parts.push({ held: delivery.held, part });
      if (delivery.at === delivery.records.length) this.waiting.shift();
    }
    return parts;
  }

  private keep(waiting: Delivery[]): void {
    this.waiting = waiting;
    this.records = waiting.reduce((sum, { records, at }) => sum + records.length - at, 0);
  }
}

/** The log offset that is due of a partition after the last record of it that was taken. */
const nextLogOf = (held: Held, last: ReadonlyMap<Held, LogRecord>): bigint => {
  const taken = last.get(held);
  return taken ? taken.logOffset + 1n : (held.stored?.nextLog ?? 0n);
};

/** Records of one partition without those that were applied before. */
function freshOf(records: readonly LogRecord[], next: bigint): readonly LogRecord[] {
  let due = next;
  return records.filter(record => {
    if (record.logOffset < due) return false;
    if (record.logOffset > due) throw gap(record, due);
    due += 1n;
    return true;
  });
}

const moveOf = (held: Held, last: LogRecord): Advance => ({
  ...held.tp,
  expected: held.stored?.next ?? 0n,
  next: last.offset + 1n,
  nextLogOffset: last.logOffset + 1n,
});

/**
 * Where to read on. Offsets of Kafka are never below those of the log, since a relay repeats but does not skip: the smaller
 * of the two misses nothing, also when the position was stored under the other profile. Repetitions are dropped.
 */
export const startOf = (p: ConsumerPosition): bigint => (p.nextLog < p.next ? p.nextLog : p.next);

const gap = (record: LogRecord, due: bigint): EventLogError =>
  new EventLogError(
    'log.gap',
    `${partitionKey(record)} delivered log offset ${record.logOffset} where ${due} was due: records are missing; ` +
      'compare the log in PostgreSQL with what the subscription holds before going on',
  );
