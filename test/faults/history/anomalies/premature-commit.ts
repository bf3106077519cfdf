import { named, sample, type Check } from '../finding.js';
import type { History } from '../history.js';
import { unsettled } from './owed-records.js';

/** A reader's stored position is behind a record that it never acted on: nobody will bring it again. */
export const prematureCommit: Check<History> = history =>
  unsettled(history)
    .filter(u => u.isPassed)
    .map(({ owed }) => ({
      anomaly: 'premature-commit',
      reader: owed.reader,
      explanation: `the position of ${owed.reader} is behind ${named(owed)}, on which it never acted`,
      records: sample([owed]),
    }));
