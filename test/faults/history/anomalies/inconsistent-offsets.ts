import { nameOfPlace, named, type Check } from '../finding.js';
import type { History } from '../history.js';
import { placeKey } from '../known-log.js';

/** One offset holds two events, or an append was acknowledged at another place than where its event was read. */
export const inconsistentOffsets: Check<History> = ({ appends, known }) => [
  ...[...known.idsByOffset()]
    .filter(o => o.ids.size > 1)
    .map(({ ids, ...at }) => ({
      anomaly: 'inconsistent-offsets' as const,
      explanation: `${nameOfPlace(at)}@${at.logOffset} was read as ${[...ids].join(' and as ')}`,
      records: [...ids].map(eventId => ({ ...at, eventId })),
    })),
  ...appends.flatMap(a => {
    const { logOffset } = a;
    const read = known.placeOf(a.eventId);
    if (a.status !== 'acked' || logOffset === undefined || !read) return [];
    if (known.placesOf(a.eventId).some(p => p.logOffset === logOffset && placeKey(p) === placeKey(a)))
      return [];
    return [
      {
        anomaly: 'inconsistent-offsets' as const,
        explanation: `${a.request} was acknowledged as ${named({ ...a, logOffset })} and read as ${named(read)}`,
        records: [read],
      },
    ];
  }),
];
