import type { Check } from '../finding.js';
import type { History } from '../history.js';
import { lateEffects, lateFinding } from './effect-order.js';

/** An older wish gave access back after a later cut had taken it. */
export const resurrected: Check<History> = history =>
  lateEffects(history)
    .filter(l => l.givesBack)
    .map(l => lateFinding('resurrected', l, 'gave access back after a later cut'));
