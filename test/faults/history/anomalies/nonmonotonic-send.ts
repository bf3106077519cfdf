import { named, sample, type Check, type Finding } from '../finding.js';
import type { History } from '../history.js';
import { placeKey } from '../known-log.js';
import type { AppendOperation } from '../operation.js';

/** What a client asked for after an acknowledgement stands before what was acknowledged. */
export const nonmonotonicSend: Check<History> = ({ appends, known }) => {
  const last = new Map<string, AppendOperation>();
  const findings: Finding[] = [];
  for (const a of appends) {
    const at = known.placeOf(a.eventId);
    if (a.status !== 'acked' || !at) continue;
    const key = `${a.client} ${placeKey(at)}`;
    const before = last.get(key);
    const placeBefore = before && known.placeOf(before.eventId);
    last.set(key, a);
    if (!before || !placeBefore || before.completed >= a.invoked) continue;
    if (placeBefore.logOffset > at.logOffset)
      findings.push({
        anomaly: 'nonmonotonic-send',
        explanation: `${a.client} sent ${a.request} after the acknowledgement of ${before.request}, and it stands before it: ${named(at)} and ${named(placeBefore)}`,
        records: sample([placeBefore, at]),
      });
  }
  return findings;
};
