import type { AppendOperation, Place, PlacedRecord, PollOperation, RecordOperation } from './operation.js';

/** Key of a partition in maps. */
export const placeKey = (at: Place): string => `${at.topic}/${at.partition}`;

type Partition = Place & {
  /** Event ids that were read at an offset; none when only an acknowledgement told of it. */
  offsets: Map<number, Set<string>>;
  /** Offsets in ascending order; built on first use. */
  sorted?: number[];
  /** Behind the highest offset that anybody read. */
  reached: number;
};

/**
 * What is known to stand in the log: by somebody's poll, by the last full read, or by an acknowledgement that named an offset.
 * It is the version order of Jepsen's workload.
 */
export class KnownLog {
  private readonly partitions = new Map<string, Partition>();
  private readonly places = new Map<string, PlacedRecord[]>();

  constructor(
    appends: readonly AppendOperation[],
    records: readonly RecordOperation[],
    polls: readonly PollOperation[],
  ) {
    for (const record of records) this.see(record);
    for (const poll of polls)
      for (const { logOffset, eventId } of poll.records)
        this.see({ topic: poll.topic, partition: poll.partition, logOffset, eventId });
    for (const append of appends)
      if (append.status === 'acked' && append.logOffset !== undefined && !this.places.has(append.eventId))
        this.offsetOf(append, append.logOffset);
  }

  /** Places at which somebody read this event; more than one is a duplicate. */
  placesOf(eventId: string): readonly PlacedRecord[] {
    return this.places.get(eventId) ?? [];
  }

  /** The first place at which somebody read this event. */
  placeOf(eventId: string): PlacedRecord | undefined {
    return this.places.get(eventId)?.[0];
  }

  /** All events that somebody read, with their places. */
  seen(): IterableIterator<[string, readonly PlacedRecord[]]> {
    return this.places.entries();
  }

  /** Event ids read at one offset; more than one contradict each other. */
  *idsByOffset(): Generator<Place & { logOffset: number; ids: ReadonlySet<string> }> {
    for (const { topic, partition, offsets } of this.partitions.values())
      for (const [logOffset, ids] of offsets) yield { topic, partition, logOffset, ids };
  }

  /** Behind the highest offset of the partition that anybody read; 0 when nobody read any. */
  reached(at: Place): number {
    return this.partitions.get(placeKey(at))?.reached ?? 0;
  }

  /** Records known between two offsets, both excluded. */
  between(at: Place, after: number, before: number): PlacedRecord[] {
    if (before - after <= 1) return [];
    const partition = this.partitions.get(placeKey(at));
    if (!partition) return [];
    partition.sorted ??= [...partition.offsets.keys()].sort((a, b) => a - b);
    const { sorted, offsets, topic } = partition;
    const found: PlacedRecord[] = [];
    for (let i = firstAbove(sorted, after); i < sorted.length; i += 1) {
      const logOffset = sorted[i] ?? before;
      if (logOffset >= before) break;
      const eventId = [...(offsets.get(logOffset) ?? [])].join(' and ') || 'acknowledged only';
      found.push({ topic, partition: partition.partition, logOffset, eventId });
    }
    return found;
  }

  private see(record: PlacedRecord): void {
    const partition = this.offsetOf(record, record.logOffset);
    partition.offsets.get(record.logOffset)?.add(record.eventId);
    partition.reached = Math.max(partition.reached, record.logOffset + 1);
    const places = this.places.get(record.eventId);
    if (!places) this.places.set(record.eventId, [record]);
    else if (!places.some(p => p.logOffset === record.logOffset && placeKey(p) === placeKey(record)))
      places.push(record);
  }

  private offsetOf({ topic, partition }: Place, logOffset: number): Partition {
    const key = placeKey({ topic, partition });
    const found = this.partitions.get(key) ?? { topic, partition, offsets: new Map(), reached: 0 };
    this.partitions.set(key, found);
    if (!found.offsets.has(logOffset)) found.offsets.set(logOffset, new Set());
    return found;
  }
}

/** Index of the first number above `limit`. */
function firstAbove(sorted: readonly number[], limit: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) > limit) high = middle;
    else low = middle + 1;
  }
  return low;
}
