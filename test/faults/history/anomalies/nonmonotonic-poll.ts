import { nameOfPlace, sample, type Check, type Finding } from '../finding.js';
import type { History } from '../history.js';
import type { PollOperation, Sighting } from '../operation.js';
import { pairs, pollStreams, whoPolls } from './poll-streams.js';

/** In one epoch a partition is read backwards or a second time, within a poll or from one poll to the next. */
export const nonmonotonicPoll: Check<History> = ({ polls }) =>
  pollStreams(polls).flatMap(stream => {
    const read = stream.flatMap(poll => poll.records.map(record => ({ poll, record })));
    return pairs(read)
      .filter(([before, after]) => after.record.logOffset <= before.record.logOffset)
      .map(([before, after]) => backwards(before.poll, before.record, after.record));
  });

function backwards(poll: PollOperation, before: Sighting, after: Sighting): Finding {
  const { topic, partition } = poll;
  return {
    anomaly: 'nonmonotonic-poll',
    reader: poll.reader,
    explanation: `${whoPolls(poll)} read ${after.logOffset} of ${nameOfPlace(poll)} after ${before.logOffset}`,
    records: sample([before, after].map(s => ({ topic, partition, ...s }))),
  };
}
