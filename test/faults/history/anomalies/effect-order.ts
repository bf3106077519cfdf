import { sample, type Finding } from '../finding.js';
import type { History } from '../history.js';
import type { EffectOperation, PlacedRecord } from '../operation.js';

/** An effect that came after an effect of a later request of the same person. */
export type LateEffect = {
  effect: EffectOperation;
  request: PlacedRecord;
  /** The latest request whose effect was there before. */
  overtaken: PlacedRecord;
  /** Whether the late effect gives back access that a later request had taken. */
  givesBack: boolean;
};

/** Effects of one connector on one person must follow the order of their requests in the log. */
export function lateEffects({ effects, known }: History): LateEffect[] {
  const latest = new Map<string, PlacedRecord>();
  const latestCut = new Map<string, PlacedRecord>();
  const late: LateEffect[] = [];
  for (const effect of effects) {
    const key = `${effect.connector} ${effect.key}`;
    const request = known.placeOf(effect.requestEvent);
    if (!request) continue;
    const before = latest.get(key);
    const cut = latestCut.get(key);
    if (before && request.logOffset < before.logOffset)
      late.push({
        effect,
        request,
        overtaken: before,
        givesBack: effect.access === 'enables' && cut !== undefined && request.logOffset < cut.logOffset,
      });
    else latest.set(key, request);
    if (effect.access !== 'disables' && effect.access !== 'removes') continue;
    if (!cut || request.logOffset > cut.logOffset) latestCut.set(key, request);
  }
  return late;
}

/** A late effect as a finding. */
export const lateFinding = (
  anomaly: 'out-of-order-effect' | 'resurrected',
  { effect, request, overtaken }: LateEffect,
  what: string,
): Finding => ({
  anomaly,
  reader: effect.connector,
  explanation: `${effect.connector} ${what} (${effect.fact} ${effect.step} of ${effect.key} for offset ${request.logOffset}, after an effect for offset ${overtaken.logOffset})`,
  records: sample([request, overtaken]),
});
