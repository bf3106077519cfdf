import { named, sample, type Check } from '../finding.js';
import type { History } from '../history.js';

/** A request that was refused, every time it was sent, stands in the log (Jepsen's G1a). */
export const abortedRead: Check<History> = ({ appends, known }) => {
  const maybeDone = new Set(appends.filter(a => a.status !== 'failed').map(a => a.request));
  return appends.flatMap(a => {
    const read = known.placeOf(a.eventId);
    if (a.status !== 'failed' || maybeDone.has(a.request) || !read) return [];
    return [
      {
        anomaly: 'aborted-read' as const,
        explanation: `${a.client} was refused ${a.request}, and the log holds it as ${named(read)}`,
        records: sample([read]),
      },
    ];
  });
};
