import { named, sample, type Check } from '../finding.js';
import type { History } from '../history.js';
import { unsettled } from './owed-records.js';

/** At the end a reader has not acted on a record, and its position still waits for it. */
export const unapplied: Check<History> = history =>
  unsettled(history)
    .filter(u => !u.isPassed)
    .map(({ owed }) => ({
      anomaly: 'unapplied',
      reader: owed.reader,
      explanation: `${owed.reader} has not acted on ${named(owed)}`,
      records: sample([owed]),
    }));
