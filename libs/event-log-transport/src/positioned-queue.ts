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

/** What waits to be applied, checked against the stored positions. Pure bookkeeping. */
export class PositionedQueue {
  private waiting: { record: LogRecord; held: Held }[] = [];
  private readonly held = new Map<PartitionKey, Held>();

  get length(): number {
    return this.waiting.length;
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

  add(records: readonly LogRecord[], epoch: number): void {
    for (const record of records) {
      const held = this.held.get(partitionKey(record));
      if (held?.epoch !== epoch) continue;
      held.first ??= record.offset;
      this.waiting.push({ record, held });
    }
  }

  clear(): void {
    this.waiting = [];
  }

  /**
   * The next records, without what the log repeats: a record whose log offset is stored already was applied.
   * @throws EventLogError `log.gap` when a record of the log is missing
   */
  take(limit: number): Batch {
    const next = new Map<Held, { offset: bigint; log: bigint }>();
    const records: LogRecord[] = [];
    for (const { record, held } of this.waiting.splice(0, limit)) {
      const due = next.get(held)?.log ?? held.stored?.nextLog ?? 0n;
      if (record.logOffset < due) continue;
      if (record.logOffset > due) throw gap(record, due);
      records.push(record);
      next.set(held, { offset: record.offset + 1n, log: record.logOffset + 1n });
    }
    const moves = [...next].map(([held, { offset, log }]) => ({
      ...held.tp,
      expected: held.stored?.next ?? 0n,
      next: offset,
      nextLogOffset: log,
    }));
    return { records, moves };
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
    this.waiting = this.waiting.filter(w => !gone.has(w.held));
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
}

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
