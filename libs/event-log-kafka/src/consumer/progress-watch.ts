import {
  EventLogError,
  partitionKey,
  type Offsets,
  type PartitionKey,
  type TopicPartition,
} from '@sever/event-log';

type Seen = { position: bigint | undefined; since: number };

/**
 * Tells a consumer that lives from one that consumes: no fetch ends, or a partition that flows has records and its position does
 * not move. The client is known to fall into such a state without an error. Times in milliseconds.
 */
export class ProgressWatch {
  private readonly seen = new Map<PartitionKey, Seen>();
  private lastFetch: number;

  constructor(
    private readonly stallMs: number,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.lastFetch = now();
  }

  fetched(): void {
    this.lastFetch = this.now();
  }

  /** @returns an error when no fetch ends any more; needs no answer of the brokers */
  silence(): EventLogError | undefined {
    if (this.now() - this.lastFetch <= this.stallMs) return undefined;
    return stalled('no fetch has ended', this.stallMs);
  }

  /** @returns what stands still, if anything does */
  check(
    flowing: readonly { tp: TopicPartition; position: bigint | undefined }[],
    ends: Offsets,
  ): EventLogError | undefined {
    const now = this.now();
    const watched = new Set(flowing.map(f => partitionKey(f.tp)));
    for (const key of this.seen.keys()) if (!watched.has(key)) this.seen.delete(key);
    for (const { tp, position } of flowing) {
      const key = partitionKey(tp);
      const before = this.seen.get(key);
      const isBehind = position === undefined || (ends.get(key) ?? 0n) > position;
      if (!before || before.position !== position || !isBehind) this.seen.set(key, { position, since: now });
      else if (now - before.since > this.stallMs)
        return stalled(`${key} stands at ${position}`, this.stallMs);
    }
    return undefined;
  }
}

const stalled = (what: string, ms: number): EventLogError =>
  new EventLogError(
    'log.stalled',
    `${what} for ${Math.round(ms / 1_000)} s although there is more; the process starts again`,
  );
