import { partitionKey, type PartitionKey, type TopicPartition } from '@sever/event-log';

/** Tells overlapping seeks apart: the one that was asked for last counts, partition by partition. */
export class Seeks {
  private readonly latest = new Map<PartitionKey, symbol>();

  /** @returns whether a partition has not been asked for again since */
  begin(tps: readonly TopicPartition[]): (tp: TopicPartition) => boolean {
    const mine = Symbol('seek');
    for (const tp of tps) this.latest.set(partitionKey(tp), mine);
    return tp => this.latest.get(partitionKey(tp)) === mine;
  }
}
