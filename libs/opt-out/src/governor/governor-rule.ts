import type { Guard } from '@sever/event-contracts';

/** From when on the opt-outs of one source are held for a person to look at. */
export type GovernorLimits = {
  /** Length of the sliding window in seconds. */
  windowSeconds: number;
  /** Most people whom one source may opt out within the window. */
  maxOptOuts: number;
  /** Most of the source's people, in percent. */
  percent: number;
  /** The percentage never makes a smaller limit than this many people: in a small connection everybody may leave at once. */
  percentFloor: number;
};

export const GOVERNOR_DEFAULTS: GovernorLimits = {
  windowSeconds: 600,
  maxOptOuts: 500,
  percent: 25,
  percentFloor: 100,
};

/** Distinct people whom a source opted out within the window, this one among them, and how many people it has. */
export type OptOutsOfSource = { optOuts: number; people: number | undefined };

/** The limit that counts, and by which rule. */
export type EffectiveLimit = { rule: Guard['rule']; limit: number };

/** Whether it has to be known how many people the source has: below the floor it makes no difference, nor above the maximum. */
export const needsPeople = (limits: GovernorLimits, optOuts: number): boolean =>
  optOuts > limits.percentFloor && optOuts <= limits.maxOptOuts;

/**
 * The smaller of the two limits.
 * @param people undefined where they need not be counted: then the maximum counts
 */
export function effectiveLimit(limits: GovernorLimits, people: number | undefined): EffectiveLimit {
  const share =
    people === undefined
      ? Infinity
      : Math.max(limits.percentFloor, Math.floor((people * limits.percent) / 100));
  return share < limits.maxOptOuts
    ? { rule: 'percent-of-people', limit: share }
    : { rule: 'max-opt-outs', limit: limits.maxOptOuts };
}

/**
 * The rule against mass deprovisioning. Pure.
 * @returns the facts of the hold, or undefined when the opt-out passes
 */
export function heldBy(limits: GovernorLimits, { optOuts, people }: OptOutsOfSource): Guard | undefined {
  const { rule, limit } = effectiveLimit(limits, people);
  if (optOuts <= limit) return undefined;
  return { rule, count: optOuts, limit, windowSeconds: limits.windowSeconds };
}
