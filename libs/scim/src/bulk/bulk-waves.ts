import { isObject } from '../json-value.js';
import { referencesOf } from './bulk-references.js';
import type { BulkOperation } from './bulk-request.js';

/** An operation at its place in the request. */
export type Placed = { place: number; operation: BulkOperation };

/**
 * The operations that may be carried out next, side by side: the first that can be, and those that follow it directly, do the same
 * to others, and could have come in any order. What refers to a resource that is not made yet is passed over until it is, and so is
 * whatever else is about the same subject.
 * @param isSettled whether the operation with a bulkId was carried out or given up
 * @returns none when all that is left refers to each other in a circle
 */
export function nextWave(
  pending: readonly Placed[],
  isSettled: (bulkId: string) => boolean,
  sizeMax: number,
): Placed[] {
  const wave: Placed[] = [];
  const subjects = new Set<string>();
  const passedOver = new Set<string>();
  for (const placed of pending) {
    const { operation } = placed;
    const waits = [...referencesOf(operation)].some(
      bulkId => bulkId !== operation.bulkId && !isSettled(bulkId),
    );
    const subject = subjectOf(operation);
    if (waits || passedOver.has(subject)) {
      passedOver.add(subject);
      continue;
    }
    const first = wave[0]?.operation;
    if (first && (first.method !== operation.method || first.endpoint !== operation.endpoint)) break;
    if (subjects.has(subject) || wave.length >= sizeMax) break;
    subjects.add(subject);
    wave.push(placed);
  }
  return wave;
}

/** What two operations must not be about at the same time: a resource, or the name of a new one. */
function subjectOf({ id, data, bulkId }: BulkOperation): string {
  if (id !== undefined) return `id ${id}`;
  const name = isObject(data) ? (data.userName ?? data.displayName) : undefined;
  return typeof name === 'string' ? `name ${name.toLowerCase()}` : `new ${bulkId ?? ''}`;
}
