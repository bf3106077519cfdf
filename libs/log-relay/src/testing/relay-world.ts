import {
  partitionKey,
  type LogRecord,
  type Offsets,
  type PartitionKey,
  type RelayTarget,
} from '@sever/event-log';
import type { Forwarded, RelayStore } from '../relay-store.js';

/** What happens to one call: it works, it fails before it had an effect, or after. */
export type Fate = 'works' | 'failsBefore' | 'failsAfter';

const TOPICS = ['requests', 'outcomes'];
const PARTITIONS = 2;

/** A log, a database and a target in memory, with the failures that a test plans; relays come and go around them. */
export class RelayWorld {
  readonly log = new Map<PartitionKey, LogRecord[]>();
  readonly target = new Map<PartitionKey, LogRecord[]>();
  /** Batches that a relay sent and that the network still holds: they arrive late, or never. */
  readonly delayed: (readonly LogRecord[])[] = [];
  identity = 'cluster-1';
  private readonly stored = new Map<string, Map<PartitionKey, Forwarded>>();
  private epoch = 0n;
  private isHeld = false;

  constructor() {
    for (const topic of TOPICS)
      for (let partition = 0; partition < PARTITIONS; partition += 1) {
        this.log.set(partitionKey({ topic, partition }), []);
        this.target.set(partitionKey({ topic, partition }), []);
      }
  }

  append(topic: string, partition: number, count: number): void {
    const records = this.log.get(partitionKey({ topic, partition })) ?? [];
    for (let i = 0; i < count; i += 1) {
      const offset = BigInt(records.length);
      const value = Buffer.from(`${topic}/${partition}/${offset}`);
      records.push({
        ...{ topic, partition, offset, logOffset: offset, value, timestamp: 0 },
        ...{ key: 'acme:u', type: 'sever.spec.happened.v1', headers: {} },
      });
    }
  }

  /** The lease runs out: its holder does not know yet. */
  expireLease(): void {
    this.isHeld = false;
  }

  /** A delayed batch arrives after all. */
  arrive(): void {
    const batch = this.delayed.shift();
    if (batch) this.accept(batch);
  }

  /** The target loses the last records of a partition, or is replaced by an empty one. */
  lose(topic: string, partition: number, count: number): void {
    const records = this.target.get(partitionKey({ topic, partition })) ?? [];
    records.splice(Math.max(0, records.length - count));
  }

  replaceTarget(identity: string): void {
    this.identity = identity;
    for (const records of this.target.values()) records.length = 0;
    this.delayed.length = 0;
  }

  /** One relay's view of the database. `fate` decides about its next call. */
  store(fate: () => Fate): RelayStore {
    let mine: bigint | undefined;
    return {
      acquire: () =>
        subject(fate(), () => {
          if (this.isHeld && mine !== this.epoch) return undefined;
          this.isHeld = true;
          this.epoch += 1n;
          mine = this.epoch;
          return mine;
        }),
      renew: epoch => Promise.resolve(epoch === this.epoch),
      release: epoch => Promise.resolve(epoch === this.epoch && this.expireLease()).then(() => undefined),
      positions: target =>
        subject(fate(), () => new Map([...this.log.keys()].map(key => [key, this.place(target, key)]))),
      read: (positions, limit) => subject(fate(), () => this.recordsFrom(positions, limit)),
      store: (epoch, target, moves) =>
        subject(fate(), () => {
          if (epoch !== this.epoch) return false;
          const positions = this.stored.get(target) ?? new Map<PartitionKey, Forwarded>();
          for (const [key, place] of moves) positions.set(key, place);
          this.stored.set(target, positions);
          return true;
        }),
    };
  }

  /** One relay's connection to the target. `isDelayed` batches fail for the sender and arrive later. */
  connection(fate: () => Fate, isDelayed: () => boolean = () => false): RelayTarget {
    return {
      identity: () => subject(fate(), () => this.identity),
      endOffsets: topic =>
        subject(
          fate(),
          () =>
            new Map(
              [...this.target]
                .filter(([key]) => key.startsWith(topic))
                .map(([key, r]) => [key, BigInt(r.length)]),
            ),
        ),
      send: batch => {
        if (isDelayed()) {
          this.delayed.push(batch);
          return Promise.reject(new Error('no answer'));
        }
        return subject(fate(), () => this.accept(batch));
      },
    };
  }

  position(target: string, key: PartitionKey): bigint {
    return this.place(target, key).next;
  }

  private place(target: string, key: PartitionKey): Forwarded {
    return this.stored.get(target)?.get(key) ?? { next: 0n, end: 0n };
  }

  private accept(batch: readonly LogRecord[]): Offsets {
    const ends = new Map<PartitionKey, bigint>();
    for (const record of batch) {
      const records = this.target.get(partitionKey(record)) ?? [];
      records.push(record);
      ends.set(partitionKey(record), BigInt(records.length));
    }
    return ends;
  }

  private recordsFrom(positions: Offsets, limit: number): LogRecord[] {
    return [...positions]
      .flatMap(([key, next]) => (this.log.get(key) ?? []).slice(Number(next)))
      .slice(0, limit);
  }
}

async function subject<T>(fate: Fate, effect: () => T): Promise<T> {
  await Promise.resolve();
  if (fate === 'failsBefore') throw new Error('failed before');
  const result = effect();
  if (fate === 'failsAfter') throw new Error('failed after');
  return result;
}
