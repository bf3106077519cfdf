import { dueMember, type TopicPartition } from '@sever/event-log';

/** Ownership of one partition as the group stores it. `epoch` rises with every change of owner. */
export type GroupPartition = {
  tp: TopicPartition;
  owner: string | null;
  epoch: bigint;
  committed: bigint;
};

/**
 * What a member does in one exchange with its group: it takes what is due to it and has no live owner, and gives back what
 * is due to another. What is due to it but held by a live member it leaves alone: that member will release it.
 */
export function planExchange(
  partitions: readonly GroupPartition[],
  members: readonly string[],
  me: string,
): { take: GroupPartition[]; release: GroupPartition[] } {
  const live = new Set(members);
  const due = new Map<number, boolean>();
  const isDue = ({ tp }: GroupPartition): boolean => {
    const known = due.get(tp.partition) ?? dueMember(members, tp.partition) === me;
    due.set(tp.partition, known);
    return known;
  };
  return {
    take: partitions.filter(p => p.owner !== me && (p.owner === null || !live.has(p.owner)) && isDue(p)),
    release: partitions.filter(p => p.owner === me && !isDue(p)),
  };
}
