import { nameOfPlace, sample, type Check } from '../finding.js';
import type { History } from '../history.js';
import { firstOffset, lastOffset, pairs, pollStreams, whoPolls } from './poll-streams.js';

/** Two consecutive polls of one epoch jump over a record that exists. */
export const pollSkip: Check<History> = ({ polls, known }) =>
  pollStreams(polls).flatMap(stream =>
    pairs(stream).flatMap(([before, after]) => {
      const skipped = known.between(before, lastOffset(before), firstOffset(after));
      if (skipped.length === 0) return [];
      return [
        {
          anomaly: 'poll-skip' as const,
          reader: before.reader,
          explanation: `${whoPolls(before)} read ${nameOfPlace(before)} up to ${lastOffset(before)} and went on at ${firstOffset(after)}: ${skipped.length} record(s) between them exist`,
          records: sample(skipped),
        },
      ];
    }),
  );
