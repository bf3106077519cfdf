import { makeEvent, nameBasedId } from '@sever/event-contracts';

const sealed = { alg: 'A256GCM', kid: 's:1', n: 'AAAAAAAAAAAAAAAA', kc: 'k'.repeat(43), ct: 'c'.repeat(107) };
const STEPS = ['suspend', 'endSessions', 'revokeCredentials', 'stripEntitlements'];

/** The events of one person's opt-out, as the pipeline writes them: 1 request, 9 outcomes, 3 decisions. */
export function lifeOf(i, instance = 'scim') {
  const subject = nameBasedId('bench-subject', i);
  const optOutId = nameBasedId('bench-opt-out', i);
  const base = { tenant: 'acme', subject, optOutId, time: new Date(1_700_000_000_000 + i) };
  const target = { kind: 'subject', id: subject };
  const id = name => nameBasedId('bench', i, name);
  const at = '2026-01-01T00:00:00.000Z';
  const instances = [
    {
      instance,
      system: 'scim',
      waivers: [],
      steps: STEPS.map(step => ({ step, support: 'supported', stage: 'cut' })),
    },
  ];
  const work = {
    actor: { kind: 'connector', id: instance },
    target,
    instance,
    system: 'scim',
    stage: 'cut',
    attempt: 1,
    evidence: {},
  };
  const decision = { actor: { kind: 'coordinator', id: 'coordinator' }, target };
  const outcome = (type, step) =>
    makeEvent({
      ...base,
      type,
      id: id(type + step),
      source: `/connectors/${instance}`,
      data: { ...work, step, residualAccessUntil: null },
    });
  return [
    makeEvent({
      ...base,
      type: 'sever.optout.requested.v1',
      id: id('requested'),
      source: '/connections/entra',
      data: {
        actor: { kind: 'connection', id: 'entra' },
        target,
        door: { via: 'scim', operation: 'deactivate', connection: 'entra' },
        reason: null,
        asker: { kind: 'connection', id: 'entra' },
        identifiers: sealed,
        instances,
        nothingBound: false,
        hold: { kind: 'never', seconds: 0, ignoreResidualAccess: false },
        cutDeadlineSeconds: 300,
        resourceRemoved: false,
      },
    }),
    ...STEPS.flatMap(step => [outcome('sever.step.acted.v1', step), outcome('sever.step.verified.v1', step)]),
    makeEvent({
      ...base,
      type: 'sever.connector.stage-finished.v1',
      id: id('finished'),
      source: `/connectors/${instance}`,
      data: work,
    }),
    makeEvent({
      ...base,
      type: 'sever.optout.cut.v1',
      id: id('cut'),
      source: '/coordinator',
      data: { ...decision, cutAt: at, residualAccessUntil: null, waived: [], noAccount: [] },
    }),
    makeEvent({
      ...base,
      type: 'sever.optout.held.v1',
      id: id('held'),
      source: '/coordinator',
      data: { ...decision, purgeAfter: at },
    }),
    makeEvent({
      ...base,
      type: 'sever.optout.closed.v1',
      id: id('closed'),
      source: '/coordinator',
      data: { ...decision, closedAt: at, outcome: 'cut-only' },
    }),
  ];
}
