import type { Action } from './action.js';

export const TOPIC = 'requests';

/** What a client sends. */
export type Draft = { eventId: string; key: string; action: Action };

export type Entry = Draft & { logOffset: number };

type Partition = { entries: Entry[]; next: number; offsets: Map<string, number>; open: Set<number> };

/** A partitioned log in memory: offsets are dense and in the order of commit, and an event id stands once. */
export class SimulatedLog {
  private readonly parts: Partition[];

  constructor(readonly partitions: number) {
    this.parts = Array.from({ length: partitions }, () => ({
      entries: [],
      next: 0,
      offsets: new Map(),
      open: new Set(),
    }));
  }

  partitionOf(key: string): number {
    return Number(key.slice(key.indexOf(':') + 1)) % this.partitions;
  }

  /** Appends and commits. @returns the offset, that of the first time for a known id */
  append(draft: Draft): number {
    const part = this.part(this.partitionOf(draft.key));
    const known = part.offsets.get(draft.eventId);
    if (known !== undefined) return known;
    return this.write(part, draft, part.next);
  }

  /** The bug `retry-appends-again`. */
  appendAgain(draft: Draft): number {
    const part = this.part(this.partitionOf(draft.key));
    return this.write(part, draft, part.next);
  }

  /** The bug `sequence-as-cursor`: takes an offset now, for a commit later. */
  reserve(partition: number): number {
    const part = this.part(partition);
    const offset = part.next;
    part.next += 1;
    part.open.add(offset);
    return offset;
  }

  commitReserved(draft: Draft, offset: number): void {
    const part = this.part(this.partitionOf(draft.key));
    part.open.delete(offset);
    part.entries.push({ ...draft, logOffset: offset });
    part.entries.sort((a, b) => a.logOffset - b.logOffset);
    part.offsets.set(draft.eventId, offset);
  }

  /** Whether an offset below `next` is taken and not visible yet. */
  hasHoleBelow(partition: number, next: number): boolean {
    return [...this.part(partition).open].some(offset => offset < next);
  }

  holds(draft: Draft): boolean {
    return this.part(this.partitionOf(draft.key)).offsets.has(draft.eventId);
  }

  read(partition: number, from: number, limit: number): Entry[] {
    const { entries } = this.part(partition);
    let at = Math.min(from, entries.length);
    // Offsets have gaps only under a bug.
    while (at > 0 && (entries[at - 1]?.logOffset ?? -1) >= from) at -= 1;
    return entries.slice(at, at + limit);
  }

  /** The next offset. */
  end(partition: number): number {
    return this.part(partition).next;
  }

  private write(part: Partition, draft: Draft, offset: number): number {
    part.entries.push({ ...draft, logOffset: offset });
    part.offsets.set(draft.eventId, offset);
    part.next = offset + 1;
    return offset;
  }

  private part(partition: number): Partition {
    const part = this.parts[partition];
    if (!part) throw new Error(`no partition ${partition}`);
    return part;
  }
}
