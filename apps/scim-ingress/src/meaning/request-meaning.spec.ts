import { describe, expect, it } from '@jest/globals';
import type { Standing, StandingPhase } from '@sever/directory';
import type { Asker } from '@sever/event-contracts';
import { requestMeaning, type Change } from './request-meaning.js';

const me: Asker = { kind: 'connection', id: 'entra' };
const other: Asker = { kind: 'connection', id: 'okta' };

const standing = (phase: StandingPhase, askers: Asker[], rehired = false): Standing => ({
  optOutId: 'o',
  tenant: 'acme',
  subject: 's',
  phase,
  askers,
  legalHold: false,
  rehired,
  staged: false,
});

const deactivate: Change = {
  kind: 'update',
  activeBefore: true,
  activeAfter: false,
  identifiersChanged: false,
  attributes: ['active'],
  linked: false,
};
const activate: Change = { ...deactivate, activeBefore: false, activeAfter: true };
const remove: Change = { ...deactivate, kind: 'remove', attributes: [] };
const removeInactive: Change = { ...remove, activeBefore: false };
const rename: Change = {
  ...deactivate,
  activeAfter: true,
  identifiersChanged: true,
  attributes: ['userName'],
};
const repeatTrue: Change = { ...deactivate, activeBefore: true, activeAfter: true, attributes: ['title'] };
const repeatFalse: Change = { ...repeatTrue, activeBefore: false, activeAfter: false };
const create: Change = { ...repeatTrue, kind: 'create', activeBefore: undefined };

const TABLE: [string, Change, Standing | undefined, string][] = [
  ['deactivation of somebody who stays', deactivate, undefined, 'requested'],
  ['deletion of somebody who stays', remove, undefined, 'requested'],
  ['deactivation after a restore', deactivate, standing('restored', []), 'requested'],
  ['deactivation while a restore runs', deactivate, standing('restoring', []), 'requested'],
  ['deactivation after a rehire', deactivate, standing('purged', [me], true), 'requested'],
  ['a second connection asks', deactivate, standing('open', [other]), 'repeated'],
  ['deletion after deactivation', removeInactive, standing('open', [me]), 'repeated'],
  ['deactivation elsewhere after the close', deactivate, standing('purged', [other]), 'repeated'],
  ['hard delete long after the close', removeInactive, standing('purged', [me]), 'resourceRemoved'],
  ['hard delete after a cut only', removeInactive, standing('cut-only', [me]), 'resourceRemoved'],
  ['the last asker takes it back', activate, standing('open', [me]), 'restoreRequested'],
  ['taken back after a cut only', activate, standing('cut-only', [me]), 'restoreRequested'],
  ['one of two takes it back', activate, standing('open', [me, other]), 'restoreRefused others-still-ask'],
  ['one who did not ask', activate, standing('open', [other]), 'restoreRefused not-an-asker'],
  ['activation during the purge', activate, standing('purging', [me]), 'rehired'],
  ['activation after the purge', activate, standing('purged', [other]), 'rehired'],
  ['activation without an opt-out', activate, undefined, 'updated'],
  ['a PUT that repeats active true', repeatTrue, standing('open', [other]), 'updated'],
  ['a PUT that repeats active false', repeatFalse, standing('open', [me]), 'updated'],
  ['a rename', rename, undefined, 'identifiersChanged'],
  ['nothing new', { ...repeatTrue, attributes: [] }, undefined, 'nothing'],
  ['a new person', create, undefined, 'registered'],
  ['a known person at another connection', { ...create, linked: true }, undefined, 'linked'],
  [
    'a known person at another connection, opted out',
    { ...create, linked: true },
    standing('open', [other]),
    'linked',
  ],
  [
    'somebody whom this connection deleted and another one still has comes again',
    { ...create, linked: true },
    standing('open', [me]),
    'restoreRequested',
  ],
  [
    'the same, while another connection asks as well',
    { ...create, linked: true },
    standing('open', [me, other]),
    'restoreRefused others-still-ask',
  ],
  ['the same, inactive', { ...create, linked: true, activeAfter: false }, standing('open', [me]), 'linked'],
  [
    'a purged person comes back at another connection',
    { ...create, linked: true },
    standing('purged', [other]),
    'rehired',
  ],
];

describe('the meaning of a change', () => {
  it.each(TABLE)('%s', (_name, change, stands, expected) => {
    const meaning = requestMeaning(change, stands, me);
    expect([meaning.kind, ...('cause' in meaning ? [meaning.cause] : [])].join(' ')).toBe(expected);
  });

  it('takes back the wish of one of several askers, and of nobody else', () => {
    expect(requestMeaning(activate, standing('open', [me, other]), me)).toMatchObject({ withdrawn: true });
    expect(requestMeaning(activate, standing('open', [other]), me)).toMatchObject({ withdrawn: false });
  });
});
