import { failpoint } from '@sever/config';
import {
  partitionKey,
  type LogRecord,
  type Offsets,
  type PartitionKey,
  type RelayTarget,
} from '@sever/event-log';
import type { Forwarded, RelayStore } from './relay-store.js';
import { withinBytes } from './within-bytes.js';

/** Most records in one batch, over all topics. */
export const BATCH_RECORDS = 1_000;

/**
 * A broker that lost its power comes back without what it had not written, and a client that was idle meanwhile reconnects
 * without a word. Coming back takes longer than this, so a target is asked what it holds before the first batch after such a pause.
 */
const TRUST_MS = 1_000;

/**
 * What one step did: `standby` another relay is active · `idle` nothing waits · `forwarded` a batch was acknowledged and its
 * position stored · `fenced` the lease was lost, nothing was stored.
 */
export type Step =
  { kind: 'standby' } | { kind: 'idle' } | { kind: 'fenced' } | { kind: 'forwarded'; records: number };

/** Told when a target holds less than was forwarded to it: a new cluster, or one that lost its disk. */
export type OnRewind = (partition: PartitionKey, from: bigint, targetEnd: bigint) => void;

type Lease = {
  epoch: bigint;
  target: string;
  positions: Map<PartitionKey, Forwarded>;
  /** The batch in flight, kept exactly as it is until its position is stored. */
  frozen: readonly LogRecord[] | undefined;
  /** The target's offsets behind the batch in flight, once it acknowledged it. */
  acknowledged: Offsets | undefined;
  /** When the target last proved to be the one we know, on the monotonic clock; undefined after a failure. */
  trustedAt: number | undefined;
};

/**
 * Forwards the log in order. One batch is in flight; after a failure the same batch is sent again, record for record: a regrouped
 * one could reorder or lose records behind an acknowledgement that never arrived. Positions move only after the
 * acknowledgement and only under the epoch of the lease, so that a relay that was asleep cannot move them back.
 */
export class Relay {
  private lease: Lease | undefined;

  constructor(
    private readonly store: RelayStore,
    private readonly target: RelayTarget,
    private readonly onRewind: OnRewind = () => undefined,
    private readonly trustMs = TRUST_MS,
  ) {}

  /** Epoch of the lease, while this relay is the active one. */
  get epoch(): bigint | undefined {
    return this.lease?.epoch;
  }

  /** The lease is gone: forget everything that depends on it. */
  dropLease(): void {
    this.lease = undefined;
  }

  /** Does the next piece of work. Rejects when the database or the target fails; the next call then repeats exactly that piece. */
  async step(): Promise<Step> {
    this.lease ??= await this.takeLease();
    const lease = this.lease;
    if (!lease) return { kind: 'standby' };
    const isUnknown = lease.trustedAt === undefined;
    if (isUnknown && !(await this.examine(lease))) return this.fenced(lease);
    lease.frozen ??= await this.nextBatch(lease);
    if (!lease.frozen) return { kind: 'idle' };
    if (!lease.acknowledged && !this.isTrusted(lease)) {
      if (!(await this.examine(lease))) return this.fenced(lease);
      lease.frozen ??= await this.nextBatch(lease);
    }
    const batch = lease.frozen;
    // The lease may have been dropped meanwhile: then another relay sends this.
    if (!batch || this.lease !== lease) return { kind: 'fenced' };
    lease.acknowledged ??= await this.send(lease, batch);
    return this.settle(lease, batch, lease.acknowledged);
  }

  private async takeLease(): Promise<Lease | undefined> {
    const epoch = await this.store.acquire();
    if (epoch === undefined) return undefined;
    const target = await this.target.identity();
    const positions = new Map(await this.store.positions(target));
    return { epoch, target, positions, frozen: undefined, acknowledged: undefined, trustedAt: undefined };
  }

  /**
   * Asks a target that we do not know, that failed, or that was left alone, what it still has. Partitions whose end is below what it told
   * start again from the beginning; readers drop what they know by its log offset.
   * @returns false when the lease must be taken anew
   */
  private async examine(lease: Lease): Promise<boolean> {
    if ((await this.target.identity()) !== lease.target) return false;
    const lost = new Map<PartitionKey, Forwarded>();
    for (const topic of new Set([...lease.positions.keys()].map(topicOfKey)))
      for (const [key, end] of await this.target.endOffsets(topic)) {
        const known = lease.positions.get(key) ?? START;
        if (end < known.end) lost.set(key, this.rewound(key, known, end));
      }
    if (lost.size > 0) {
      if (!(await this.store.store(lease.epoch, lease.target, lost))) return false;
      for (const [key, place] of lost) lease.positions.set(key, place);
      lease.frozen = undefined;
    }
    lease.trustedAt = performance.now();
    return true;
  }

  private isTrusted(lease: Lease): boolean {
    return lease.trustedAt !== undefined && performance.now() - lease.trustedAt < this.trustMs;
  }

  private rewound(key: PartitionKey, known: Forwarded, targetEnd: bigint): Forwarded {
    this.onRewind(key, known.next, targetEnd);
    return START;
  }

  private async send(lease: Lease, batch: readonly LogRecord[]): Promise<Offsets> {
    try {
      const ends = await this.target.send(batch);
      failpoint('relay.after-send');
      lease.trustedAt = performance.now();
      return ends;
    } catch (error) {
      lease.trustedAt = undefined;
      throw error;
    }
  }

  private async nextBatch(lease: Lease): Promise<readonly LogRecord[] | undefined> {
    const from = new Map([...lease.positions].map(([key, { next }]) => [key, next]));
    const records = withinBytes(await this.store.read(from, BATCH_RECORDS));
    lease.acknowledged = undefined;
    return records.length === 0 ? undefined : records;
  }

  private async settle(lease: Lease, batch: readonly LogRecord[], ends: Offsets): Promise<Step> {
    const moved = this.moved(lease, batch, ends);
    failpoint('relay.before-position');
    if (!(await this.store.store(lease.epoch, lease.target, moved))) return this.fenced(lease);
    for (const [key, place] of moved) lease.positions.set(key, place);
    lease.frozen = undefined;
    return { kind: 'forwarded', records: batch.length };
  }

  /** How far the partitions of a batch are now. One that got it below what it held before has lost that. */
  private moved(lease: Lease, batch: readonly LogRecord[], ends: Offsets): Map<PartitionKey, Forwarded> {
    const moved = new Map<PartitionKey, Forwarded>();
    for (const [key, records] of Map.groupBy(batch, partitionKey)) {
      const known = lease.positions.get(key) ?? START;
      const next = (records.at(-1)?.logOffset ?? 0n) + 1n;
      const end = ends.get(key) ?? next;
      const began = end - BigInt(records.length);
      moved.set(key, began < known.end ? this.rewound(key, known, began) : { next, end });
    }
    return moved;
  }

  private fenced(lease: Lease): Step {
    if (this.lease === lease) this.dropLease();
    return { kind: 'fenced' };
  }
}

const START: Forwarded = { next: 0n, end: 0n };

const topicOfKey = (key: PartitionKey): string => key.slice(0, key.lastIndexOf('/'));
