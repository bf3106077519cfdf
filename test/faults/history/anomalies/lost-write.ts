import { named, sample, type Check } from '../finding.js';
import type { History } from '../history.js';
import { placeKey } from '../known-log.js';
import type { AppendOperation } from '../operation.js';

/**
 * An acknowledged append that nobody ever read, although somebody read what comes behind it: by its acknowledged offset, or
 * because a record was read whose append began after this one was acknowledged.
 */
export const lostWrite: Check<History> = history => {
  const { wasPassed } = passing(history);
  return history.appends
    .filter(a => a.status === 'acked' && !history.known.placeOf(a.eventId) && wasPassed(a))
    .map(a => {
      const record = { ...a, logOffset: a.logOffset ?? -1 };
      return {
        anomaly: 'lost-write',
        explanation: `${a.client} got an acknowledgement for ${a.request} as ${named(record)}; later records of the partition were read, this one never`,
        records: sample([record]),
      };
    });
};

/** Whether the readers of a partition have read past an append. */
export function passing({ appends, known }: History): { wasPassed(a: AppendOperation): boolean } {
  const latestSeen = new Map<string, number>();
  for (const a of appends)
    if (known.placeOf(a.eventId))
      latestSeen.set(placeKey(a), Math.max(latestSeen.get(placeKey(a)) ?? -Infinity, a.invoked));
  return {
    wasPassed: a =>
      (a.logOffset !== undefined && known.reached(a) > a.logOffset) ||
      (latestSeen.get(placeKey(a)) ?? -Infinity) > a.completed,
  };
}
