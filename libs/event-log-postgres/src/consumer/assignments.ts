import {
  partitionKey,
  type LogRecord,
  type Offsets,
  type PartitionKey,
  type TopicPartition,
} from '@sever/event-log';
import type { Position } from './fetch.js';

/** One partition this consumer delivers from. `epoch` is the consumer's own count of assignments, `fence` the group's. */
export type Assigned = {
  tp: TopicPartition;
  epoch: number;
  fence: bigint;
  next: bigint;
  reasons: Set<string>;
  releasing: boolean;
};

/** What is delivered from where, and why not. Pure bookkeeping. */
export class Assignments {
  private readonly held = new Map<PartitionKey, Assigned>();

  all(): Assigned[] {
    return [...this.held.values()];
  }

  get(tp: TopicPartition): Assigned | undefined {
    return this.held.get(partitionKey(tp));
  }

  add(a: Omit<Assigned, 'reasons' | 'releasing'>): void {
    this.held.set(partitionKey(a.tp), { ...a, reasons: new Set(), releasing: false });
  }

  remove(tps: readonly TopicPartition[]): void {
    for (const tp of tps) this.held.delete(partitionKey(tp));
  }

  clear(): void {
    this.held.clear();
  }

  pause(tps: readonly TopicPartition[], reason: string): void {
    for (const tp of tps) this.get(tp)?.reasons.add(reason);
  }

  resume(tps: readonly TopicPartition[], reason: string): void {
    for (const tp of tps) this.get(tp)?.reasons.delete(reason);
  }

  seek(offsets: Offsets): void {
    for (const [key, next] of offsets) {
      const a = this.held.get(key);
      if (a) a.next = next;
    }
  }

  /** Partitions to read now. */
  flowing(): Position[] {
    return this.all()
      .filter(a => a.reasons.size === 0 && !a.releasing)
      .map(({ tp, next }) => ({ tp, next }));
  }

  /**
   * Records grouped by partition that are still wanted: pauses, seeks and hand-overs may have happened during the read.
   * Positions move on.
   */
  accept(
    records: readonly LogRecord[],
    asked: readonly Position[],
  ): { assigned: Assigned; records: LogRecord[] }[] {
    const before = new Map(asked.map(p => [partitionKey(p.tp), p.next]));
    const groups = new Map<Assigned, LogRecord[]>();
    for (const record of records) {
      const a = this.get(record);
      if (!a || a.reasons.size > 0 || a.releasing) continue;
      const group = groups.get(a);
      if (group) group.push(record);
      else if (a.next === before.get(partitionKey(record))) groups.set(a, [record]);
    }
    return [...groups].map(([assigned, group]) => {
      assigned.next = (group.at(-1)?.offset ?? assigned.next) + 1n;
      return { assigned, records: group };
    });
  }
}
