import type { ConnectorManifest, StepCapability } from '@sever/connector-sdk';
import { STEPS, type Stage, type Step } from '@sever/event-contracts';
import type { Failure } from './failure-policy.js';

/** Steps whose former state is written down so that a restore can give it back. */
export const snapshotSteps: ReadonlySet<Step> = new Set(['suspend', 'stripEntitlements']);

const REVERIFIED: ReadonlySet<Step> = new Set(['suspend', 'delete']);

/** What a stage does, in order. A re-verification looks at the lock and at the deletion. */
export function runnableSteps(manifest: ConnectorManifest, stage: Stage): StepCapability[] {
  const ordered = STEPS.flatMap(step => manifest.steps.filter(capability => capability.step === step));
  if (stage === 'reverify') return ordered.filter(c => REVERIFIED.has(c.step) && c.support !== 'unsupported');
  return ordered.filter(c => c.stage === stage);
}

/** Named persons accepted that nothing of a stage is done. What was taken away is given back in any case. */
export function isWholeStageWaived(
  manifest: ConnectorManifest,
  stage: Stage,
  waived: ReadonlySet<string>,
): boolean {
  const steps = runnableSteps(manifest, stage);
  return stage !== 'restore' && steps.length > 0 && steps.every(c => waived.has(c.step));
}

const FAILURES: ReadonlySet<string> = new Set([
  'RateLimited',
  'Transient',
  'AuthFailed',
  'Forbidden',
  'Protected',
  'Conflict',
  'Malformed',
  'StillPresent',
]);

export const isFailure = (outcome: { kind: string }): outcome is Failure => FAILURES.has(outcome.kind);
