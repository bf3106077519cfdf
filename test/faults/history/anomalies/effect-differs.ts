import { sample, type Check } from '../finding.js';
import type { History } from '../history.js';
import type { AccountOperation, EffectOperation } from '../operation.js';

/** The target shows something else than the last effect that the connector tells of. */
export const effectDiffers: Check<History> = ({ effects, accounts, known }) => {
  const last = new Map<string, EffectOperation>();
  for (const effect of effects)
    if (effect.access !== 'none') last.set(`${effect.connector} ${effect.key}`, effect);
  return accounts.flatMap(account => {
    const effect = last.get(`${account.connector} ${account.key}`);
    if (!effect || agrees(effect, account)) return [];
    const request = known.placeOf(effect.requestEvent);
    return [
      {
        anomaly: 'effect-differs' as const,
        reader: account.connector,
        explanation: `the account of ${account.key} in ${account.connector} is ${account.access}; the last effect there ${effect.access} it`,
        records: request ? sample([request]) : [],
      },
    ];
  });
};

function agrees({ access }: EffectOperation, account: AccountOperation): boolean {
  if (access === 'removes') return account.access === 'absent';
  return account.access === (access === 'enables' ? 'enabled' : 'disabled');
}
