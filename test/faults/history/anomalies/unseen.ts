import { nameOfPlace, sample, type Check, type Finding } from '../finding.js';
import type { History } from '../history.js';
import { placeKey } from '../known-log.js';
import type { PlacedRecord } from '../operation.js';
import { passing } from './lost-write.js';

/** A record that a reader has not read at the end and has not passed either: it is lost to it, or only late. */
export const unseen: Check<History> = history => [...byNobody(history), ...byReaders(history)];

function byNobody(history: History): Finding[] {
  const { wasPassed } = passing(history);
  return history.appends
    .filter(a => a.status === 'acked' && !history.known.placeOf(a.eventId) && !wasPassed(a))
    .map(a => ({
      anomaly: 'unseen',
      explanation: `${a.client} got an acknowledgement for ${a.request}; at the end nobody has read it in ${nameOfPlace(a)}`,
      records: sample([{ ...a, logOffset: a.logOffset ?? -1 }]),
    }));
}

function byReaders({ readers, polls, known }: History): Finding[] {
  const reached = new Map<string, number>();
  for (const poll of polls) {
    const key = `${poll.reader} ${placeKey(poll)}`;
    for (const { logOffset } of poll.records)
      reached.set(key, Math.max(reached.get(key) ?? 0, logOffset + 1));
  }
  const missed = new Map<string, { reader: string; records: PlacedRecord[] }>();
  for (const { reader, topics } of readers.filter(r => r.arePollsObserved))
    for (const [, [record]] of known.seen()) {
      if (!record || !topics.includes(record.topic)) continue;
      const key = `${reader} ${placeKey(record)}`;
      if (record.logOffset < (reached.get(key) ?? 0)) continue;
      const of = missed.get(key) ?? { reader, records: [] };
      missed.set(key, of);
      of.records.push(record);
    }
  return [...missed.values()].map(({ reader, records }) => ({
    anomaly: 'unseen',
    reader,
    explanation: `${reader} has not read the last ${records.length} record(s) of ${records[0] ? nameOfPlace(records[0]) : ''}`,
    records: sample(records),
  }));
}
