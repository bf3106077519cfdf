import { describe, expect, it } from '@jest/globals';
import { parseManifest } from '@sever/connector-sdk';
import { OUTCOME_KINDS } from '@sever/event-contracts';
import { isFailure, runnableSteps, snapshotSteps } from './stage-plan.js';

const manifest = parseManifest({
  system: 'example',
  title: 'Example',
  owner: 'platform',
  // Deliberately not in the order in which they are done.
  steps: [
    { step: 'delete', support: 'supported', stage: 'purge' },
    { step: 'stripEntitlements', support: 'supported', stage: 'cut' },
    { step: 'revokeCredentials', support: 'unsupported', stage: 'cut' },
    { step: 'endSessions', support: 'partial', stage: 'cut' },
    { step: 'suspend', support: 'supported', stage: 'cut' },
  ],
});

const steps = (stage: Parameters<typeof runnableSteps>[1]): string[] =>
  runnableSteps(manifest, stage).map(c => c.step);

describe('the steps of a stage', () => {
  it('suspends before anything else is cut, whatever the order in the manifest', () => {
    expect(steps('cut')).toEqual(['suspend', 'endSessions', 'revokeCredentials', 'stripEntitlements']);
  });

  it('never deletes in the cut', () => {
    expect(steps('cut')).not.toContain('delete');
    expect(steps('purge')).toEqual(['delete']);
  });

  it('re-verifies the lock and the deletion only', () => {
    expect(steps('reverify')).toEqual(['suspend', 'delete']);
  });

  it('writes down what a restore gives back', () => {
    expect([...snapshotSteps].sort()).toEqual(['stripEntitlements', 'suspend']);
  });

  it('takes nothing that was done or observed for a failure', () => {
    const harmless = OUTCOME_KINDS.filter(kind => !isFailure({ kind }));
    expect(harmless).toEqual(['Done', 'AlreadyDone', 'Verified', 'NotFound', 'Accepted', 'Unsupported']);
  });
});
