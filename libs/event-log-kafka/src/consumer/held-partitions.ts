import {
  EventLogError,
  partitionKey,
  type LogRecord,
  type Offsets,
  type PartitionKey,
  type TopicPartition,
} from '@sever/event-log';
import { LogPlaces } from './log-places.js';
import type { StartPosition } from './start-positions.js';

/** Reads that did not begin where they were due, one after the other, before the position counts as lost. */
const MOST_STRAYS = 5;

type Held = {
  tp: TopicPartition;
  /** Next offset that is due; unknown until the start is known. */
  position: bigint | undefined;
  /** Log offset of the next record to deliver, once it is known. */
  due: bigint | undefined;
  /** Where the due record is looked for if it turns out to lie before the position. */
  instead: bigint | undefined;
  committed: bigint;
  places: LogPlaces;
  reasons: Set<string>;
  strays: number;
};

/** What a fetch brought for one partition. */
export type Fetched = { from: bigint; next: bigint; records: readonly LogRecord[] };

/** A commit that may be stored, and the log offset that is due there where it is known. */
export type Move = { tp: TopicPartition; offset: bigint; log: bigint | undefined };

/**
 * The partitions of one epoch: positions, reasons to pause, what is committed. Everything the client must not be trusted with
 * is decided here. Pure bookkeeping.
 */
export class HeldPartitions {
  private readonly held = new Map<PartitionKey, Held>();
  private current = 0;
  private leaving = false;

  get epoch(): number {
    return this.current;
  }

  /** Whether the epoch has not been announced as over. */
  get isFlowing(): boolean {
    return this.held.size > 0 && !this.leaving;
  }

  all(): TopicPartition[] {
    return [...this.held.values()].map(h => h.tp);
  }

  /** Those of the keys that are held. */
  among(keys: Iterable<PartitionKey>): TopicPartition[] {
    return [...keys].map(key => this.held.get(key)?.tp).filter(tp => tp !== undefined);
  }

  /** A new epoch: everything of the old one is forgotten, reasons to pause included. */
  begin(tps: readonly TopicPartition[]): number {
    this.held.clear();
    this.leaving = false;
    this.current += 1;
    for (const tp of tps)
      this.held.set(partitionKey(tp), {
        ...{ tp, position: undefined, due: undefined, instead: undefined, committed: -1n },
        ...{ places: new LogPlaces(), reasons: new Set<string>(), strays: 0 },
      });
    return this.current;
  }

  /** The epoch ends soon: nothing more is delivered, commits still count. */
  leave(): void {
    this.leaving = true;
  }

  /** The epoch is over. */
  end(): void {
    this.held.clear();
  }

  /** Puts a partition where its epoch begins. */
  place(tp: TopicPartition, { offset, due, instead, committed }: StartPosition): void {
    const h = this.held.get(partitionKey(tp));
    if (h) Object.assign(h, { position: offset, due, instead, committed });
  }

  /** What the group has committed: the floor of later commits. */
  knowCommitted(offsets: Offsets): void {
    for (const [key, offset] of offsets) {
      const h = this.held.get(key);
      if (!h || offset <= h.committed) continue;
      h.committed = offset;
      h.places.forget(offset);
    }
  }

  /** @returns those that now have a first reason: they must be paused */
  pause(tps: readonly TopicPartition[], reason: string): TopicPartition[] {
    const first = this.of(tps).filter(h => h.reasons.size === 0);
    for (const h of this.of(tps)) h.reasons.add(reason);
    return first.map(h => h.tp);
  }

  /** @returns those that lost their last reason: they must flow again */
  resume(tps: readonly TopicPartition[], reason: string): TopicPartition[] {
    return this.of(tps)
      .filter(h => h.reasons.delete(reason) && h.reasons.size === 0)
      .map(h => h.tp);
  }

  /** Goes on elsewhere, on the word of the reader. @returns the offsets of partitions that are held */
  seek(offsets: Offsets): { tp: TopicPartition; offset: bigint }[] {
    return [...offsets].flatMap(([key, offset]) => {
      const h = this.held.get(key);
      if (!h) return [];
      Object.assign(h, { position: offset, due: undefined, instead: undefined, strays: 0 });
      h.places.clear();
      return [{ tp: h.tp, offset }];
    });
  }

  position(tp: TopicPartition): bigint | undefined {
    return this.held.get(partitionKey(tp))?.position;
  }

  isPaused(tp: TopicPartition): boolean {
    return (this.held.get(partitionKey(tp))?.reasons.size ?? 1) > 0;
  }

  /**
   * Takes what was fetched if it begins where it is due, without what the relay repeated.
   * @returns the records to deliver, or `stray`: the client must go to the position, which is another one now
   * @throws EventLogError `log.gap` for a missing record, `log.position-lost` when the position cannot be read any more
   */
  accept(tp: TopicPartition, fetched: Fetched): readonly LogRecord[] | 'stray' {
    const h = this.held.get(partitionKey(tp));
    if (!h || this.leaving || h.reasons.size > 0) return [];
    if (fetched.from !== h.position) return stray(h, fetched.from);
    const fresh: LogRecord[] = [];
    for (const record of fetched.records) {
      if (isBehind(h, record)) {
        lookInstead(h, record);
        return 'stray';
      }
      h.instead = undefined;
      if (h.due !== undefined && record.logOffset < h.due) continue;
      if (h.due !== undefined && record.logOffset > h.due) throw gap(record, h.due);
      h.due = record.logOffset + 1n;
      fresh.push(record);
    }
    h.places.add(fresh);
    h.position = fetched.next;
    h.strays = 0;
    return fresh;
  }

  /** What of a commit of an epoch may be stored: owned, and not backwards. */
  moves(offsets: Offsets, epoch: number): Move[] {
    if (epoch !== this.current) return [];
    return [...offsets].flatMap(([key, offset]) => {
      const h = this.held.get(key);
      return h && offset > h.committed ? [{ tp: h.tp, offset, log: h.places.dueAt(offset) }] : [];
    });
  }

  private of(tps: readonly TopicPartition[]): Held[] {
    return tps.map(tp => this.held.get(partitionKey(tp))).filter(h => h !== undefined);
  }
}

/** The first record of an epoch shows that the due one was passed: the topic is not the one that was committed. */
const isBehind = (h: Held, record: LogRecord): boolean =>
  h.instead !== undefined && h.due !== undefined && record.logOffset > h.due && record.offset > h.instead;

function lookInstead(h: Held, record: LogRecord): void {
  h.position = h.instead ?? record.offset;
  h.committed = h.position;
  h.instead = undefined;
}

function stray(h: Held, from: bigint): 'stray' {
  h.strays += 1;
  if (h.strays <= MOST_STRAYS) return 'stray';
  throw new EventLogError(
    'log.position-lost',
    `${partitionKey(h.tp)} is due at ${h.position} and the brokers deliver from ${from}: the records there are gone. ` +
      'Find out what removed them before this group starts again',
  );
}

const gap = (record: LogRecord, due: bigint): EventLogError =>
  new EventLogError(
    'log.gap',
    `${partitionKey(record)} holds log offset ${record.logOffset} where ${due} is due: the brokers lack records of the log. ` +
      'Compare the topic with the log in PostgreSQL before going on',
  );
