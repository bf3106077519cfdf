/**
 * The member of a group that a partition is due to. Every member comes to the same answer, and partition p of every topic
 * goes to the same member, so that one process sees all of a subject.
 * @param members ids of the group's members, at least one, in any order
 */
export function dueMember(members: readonly string[], partition: number): string {
  const sorted = [...members].sort();
  const due = sorted[partition % sorted.length];
  if (due === undefined) throw new RangeError('a group without members has no owner for a partition');
  return due;
}
