import type { Check } from '../finding.js';
import type { History } from '../history.js';
import { lateEffects, lateFinding } from './effect-order.js';

/** A connector acted on a person's requests in another order than they stand in the log. */
export const outOfOrderEffect: Check<History> = history =>
  lateEffects(history)
    .filter(l => !l.givesBack)
    .map(l => lateFinding('out-of-order-effect', l, 'acted out of order'));
