import { referencesOf } from './bulk-references.js';
import type { BulkOperation } from './bulk-request.js';

/** An operation at its place in the request. */
export type Placed = { place: number; operation: BulkOperation };

/**
 * The operations that may be carried out next, side by side: the first that can be, and those that follow it directly, do the same
 * to others, and could have come in any order. What refers to a resource that is not made yet is passed over until it is, and so is
 * whatever else is about the same subjects.
 * @param isSettled whether the operation with a bulkId was carried out or given up
 * @param subjectsOf what two operations must not be about at the same time
 * @returns none when all that is left refers to each other in a circle
 */
export function nextWave(
  pending: readonly Placed[],
  isSettled: (bulkId: string) => boolean,
  subjectsOf: (operation: BulkOperation) => readonly string[],
  sizeMax: number,
): Placed[] {
  const wave: Placed[] = [];
  const busy = new Set<string>();
  const passedOver = new Set<string>();
  for (const placed of pending) {
    const { operation } = placed;
    const subjects = subjectsOf(operation);
    if (isWaiting(operation, isSettled) || subjects.some(subject => passedOver.has(subject))) {
      for (const subject of subjects) passedOver.add(subject);
      continue;
    }
    const first = wave[0]?.operation;
    if (first && (first.method !== operation.method || first.endpoint !== operation.endpoint)) break;
    if (subjects.some(subject => busy.has(subject)) || wave.length >= sizeMax) break;
    for (const subject of subjects) busy.add(subject);
    wave.push(placed);
  }
  return wave;
}

/** Whether an operation names a resource that another one is still to make. */
export const isWaiting = (operation: BulkOperation, isSettled: (bulkId: string) => boolean): boolean =>
  [...referencesOf(operation)].some(bulkId => bulkId !== operation.bulkId && !isSettled(bulkId));
