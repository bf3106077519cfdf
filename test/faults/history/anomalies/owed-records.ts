import type { History } from '../history.js';
import { placeKey } from '../known-log.js';
import type { OwedOperation, PlacedRecord } from '../operation.js';

const recordKey = (reader: string, r: PlacedRecord): string => `${reader} ${placeKey(r)} ${r.logOffset}`;

/** Whether a reader got a record at all, as far as its polls are known: one that it never got is a matter of the poll checks. */
export function deliveries({ readers, polls }: History): {
  mayHaveGot(reader: string, record: PlacedRecord): boolean;
} {
  const observed = new Set(readers.filter(r => r.arePollsObserved).map(r => r.reader));
  const got = new Set<string>();
  for (const { reader, topic, partition, records } of polls)
    for (const r of records) got.add(recordKey(reader, { topic, partition, ...r }));
  return {
    mayHaveGot: (reader, record) => !observed.has(reader) || got.has(recordKey(reader, record)),
  };
}

/** What readers got and had to act on and did not, each with whether the reader's stored position is behind it. */
export function unsettled(history: History): { owed: OwedOperation; isPassed: boolean }[] {
  const { mayHaveGot } = deliveries(history);
  // By event, not by offset: a second copy is recognised and not acted on.
  const applied = new Set(history.applied.map(a => `${a.reader} ${a.eventId}`));
  const stored = new Map<string, number>();
  for (const p of history.positions)
    if (p.kind === 'commit') stored.set(`${p.reader} ${placeKey(p)}`, p.next);
  return history.owed
    .filter(o => !applied.has(`${o.reader} ${o.eventId}`) && mayHaveGot(o.reader, o))
    .map(owed => ({
      owed,
      isPassed: (stored.get(`${owed.reader} ${placeKey(owed)}`) ?? 0) > owed.logOffset,
    }));
}
