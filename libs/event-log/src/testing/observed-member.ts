import type { ConsumerStart, EventLogConsumer } from '../port/event-log-consumer.js';
import { partitionKey, type LogRecord, type PartitionKey, type TopicPartition } from '../port/log-record.js';

/** A delivery as a member saw it. */
export type Delivery = { record: LogRecord; epoch: number };

/** A started subscription that remembers everything it was told. */
export class ObservedMember {
  readonly deliveries: Delivery[] = [];
  /** What it owns now, with the epoch it came in. */
  readonly assigned = new Map<PartitionKey, number>();
  readonly revoked: { tp: TopicPartition; epoch: number }[] = [];
  readonly fatal: Error[] = [];

  constructor(readonly consumer: EventLogConsumer) {}

  /** Starts it; the callbacks given run after the bookkeeping. */
  async start(
    o: Omit<ConsumerStart, 'onRecords'> & Partial<Pick<ConsumerStart, 'onRecords'>>,
  ): Promise<this> {
    await this.consumer.start({
      ...o,
      onAssigned: (tps, epoch) => {
        for (const tp of tps) this.assigned.set(partitionKey(tp), epoch);
        return o.onAssigned?.(tps, epoch);
      },
      onRevoked: (tps, epoch) => {
        for (const tp of tps) {
          this.revoked.push({ tp, epoch });
          if (this.assigned.get(partitionKey(tp)) === epoch) this.assigned.delete(partitionKey(tp));
        }
        return o.onRevoked?.(tps, epoch);
      },
      onRecords: (tp, records, epoch) => {
        for (const record of records) this.deliveries.push({ record, epoch });
        o.onRecords?.(tp, records, epoch);
      },
      onFatal: error => {
        this.fatal.push(error);
        o.onFatal?.(error);
      },
    });
    return this;
  }

  /** Event ids in the order of delivery, of one key or of all. */
  ids(key?: string): string[] {
    return this.records(key).map(record => record.headers.ce_id ?? '');
  }

  records(key?: string): LogRecord[] {
    return this.deliveries.map(d => d.record).filter(record => key === undefined || record.key === key);
  }

  has(eventIds: readonly string[]): boolean {
    const seen = new Set(this.ids());
    return eventIds.every(id => seen.has(id));
  }

  /** The epoch a partition is owned in; fails when it is not. */
  epochOf(tp: TopicPartition): number {
    const epoch = this.assigned.get(partitionKey(tp));
    if (epoch === undefined) throw new Error(`${partitionKey(tp)} is not assigned`);
    return epoch;
  }

  /** Commits everything delivered in the current epochs. */
  async commitDelivered(): Promise<void> {
    const next = new Map<number, Map<PartitionKey, bigint>>();
    for (const { record, epoch } of this.deliveries) {
      if (this.assigned.get(partitionKey(record)) !== epoch) continue;
      const offsets = next.get(epoch) ?? new Map<PartitionKey, bigint>();
      next.set(epoch, offsets.set(partitionKey(record), record.offset + 1n));
    }
    for (const [epoch, offsets] of next) await this.consumer.commit(offsets, epoch);
  }
}
