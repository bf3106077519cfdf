import { nameOfPlace, sample, type Check } from '../finding.js';
import type { History } from '../history.js';
import { pairs, whoPolls } from './poll-streams.js';

/** Within one poll a record that exists is left out. */
export const intPollSkip: Check<History> = ({ polls, known }) =>
  polls.flatMap(poll =>
    pairs(poll.records).flatMap(([before, after]) => {
      const skipped = known.between(poll, before.logOffset, after.logOffset);
      if (skipped.length === 0) return [];
      return [
        {
          anomaly: 'int-poll-skip' as const,
          reader: poll.reader,
          explanation: `one poll of ${whoPolls(poll)} holds ${before.logOffset} and ${after.logOffset} of ${nameOfPlace(poll)} and not the ${skipped.length} record(s) between them`,
          records: sample(skipped),
        },
      ];
    }),
  );
