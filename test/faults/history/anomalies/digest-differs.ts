import type { Check } from '../finding.js';
import type { History } from '../history.js';

/** What lives differs from what the log gives when it is replayed. */
export const digestDiffers: Check<History> = ({ digests }) =>
  digests
    .filter(d => d.live !== d.rebuilt)
    .map(d => ({
      anomaly: 'digest-differs',
      explanation: `${d.what} is ${d.live}, and ${d.rebuilt} when rebuilt from the log`,
      records: [],
    }));
