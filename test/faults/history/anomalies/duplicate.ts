import { named, sample, type Check, type Finding } from '../finding.js';
import type { History } from '../history.js';
import { placeKey } from '../known-log.js';
import type { PlacedRecord } from '../operation.js';

/**
 * Something that may happen once happened twice: an event at two offsets, a request told by two events, a record applied twice
 * within one epoch, an event in two audit rows, an attempt with two effects.
 */
export const duplicate: Check<History> = history => [
  ...events(history),
  ...repeated(
    history.records.filter(r => r.request !== undefined && isOnlyPlace(history, r)),
    r => r.request ?? '',
    r => `the request ${r.request} is told by two events`,
  ),
  ...repeated(
    history.applied,
    a => `${a.reader} ${a.member} ${a.epoch} ${placeKey(a)} ${a.logOffset}`,
    a => `${a.reader} (member ${a.member}) applied ${named(a)} twice in epoch ${a.epoch}`,
  ),
  ...repeated(
    history.audit,
    a => a.eventId,
    a => `the event ${a.eventId} stands in two audit rows`,
  ),
  ...effects(history),
];

/** The copies of an event at two offsets are one finding, not two. */
const isOnlyPlace = (history: History, record: PlacedRecord): boolean =>
  history.known.placesOf(record.eventId).length === 1;

function events({ known }: History): Finding[] {
  return [...known.seen()]
    .filter(([, places]) => places.length > 1)
    .map(([eventId, places]) => ({
      anomaly: 'duplicate',
      explanation: `the event ${eventId} stands at ${places.length} offsets of the log`,
      records: sample(places),
    }));
}

function effects({ effects, known }: History): Finding[] {
  const seen = new Set<string>();
  const findings: Finding[] = [];
  for (const e of effects) {
    const key = JSON.stringify([e.connector, e.requestEvent, e.fact, e.step, e.attempt]);
    if (seen.has(key)) {
      const request = known.placeOf(e.requestEvent);
      findings.push({
        anomaly: 'duplicate',
        reader: e.connector,
        explanation: `${e.connector} tells the fact ${e.fact} of attempt ${e.attempt} at ${e.step} for ${e.requestEvent} twice`,
        records: request ? sample([request]) : [],
      });
    }
    seen.add(key);
  }
  return findings;
}

function repeated<T extends PlacedRecord>(
  list: readonly T[],
  keyOf: (item: T) => string,
  explain: (item: T) => string,
): Finding[] {
  const first = new Map<string, T>();
  const findings: Finding[] = [];
  for (const item of list) {
    const before = first.get(keyOf(item));
    if (before)
      findings.push({
        anomaly: 'duplicate',
        explanation: explain(item),
        records: sample([before, item]),
      });
    else first.set(keyOf(item), item);
  }
  return findings;
}
