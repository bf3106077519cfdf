import { nameOfPlace, sample, type Check, type Finding } from '../finding.js';
import type { History } from '../history.js';
import { placeKey } from '../known-log.js';
import { firstOffset, streamKey, whoPolls } from './poll-streams.js';

/** A new epoch begins behind records that the reader has read in none before. */
export const rebalanceSkip: Check<History> = ({ readers, polls, known }) => {
  const mustReadAll = new Set(readers.map(r => r.reader));
  const reached = new Map<string, number>();
  const begun = new Set<string>();
  const findings: Finding[] = [];
  for (const poll of polls) {
    if (poll.records.length === 0 || !mustReadAll.has(poll.reader)) continue;
    const key = `${poll.reader} ${placeKey(poll)}`;
    const before = reached.get(key) ?? 0;
    if (!begun.has(streamKey(poll))) {
      begun.add(streamKey(poll));
      const skipped = known.between(poll, before - 1, firstOffset(poll));
      if (skipped.length > 0)
        findings.push({
          anomaly: 'rebalance-skip',
          reader: poll.reader,
          explanation: `${whoPolls(poll)} began ${nameOfPlace(poll)} at ${firstOffset(poll)}, and ${poll.reader} had read it up to ${before - 1} only`,
          records: sample(skipped),
        });
    }
    reached.set(key, Math.max(before, ...poll.records.map(r => r.logOffset + 1)));
  }
  return findings;
};
