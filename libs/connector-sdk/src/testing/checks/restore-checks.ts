import type { Check } from '../check.js';
import { must, mustEqual } from '../violation.js';
import { describe, type ContractBench } from '../contract-bench.js';
import type { Snapshot } from '../../connector.js';

/** Snapshots have no order. */
const sorted = (snapshot: Snapshot): string[] =>
  snapshot.entries
    .map(entry => JSON.stringify(Object.entries(entry).sort(([a], [b]) => a.localeCompare(b))))
    .sort();

async function restoresExactly(bench: ContractBench): Promise<void> {
  const connector = bench.connect();
  const { account, target } = await bench.located(connector);
  const steps = (['stripEntitlements', 'suspend'] as const).filter(step => bench.has(step));
  const before = await bench.target.stateOf(account);
  const taken = await Promise.all(
    steps.map(async step => ({ step, snapshot: await bench.snapshot(connector, step, target) })),
  );
  for (const step of bench.steps('cut')) await bench.act(connector, step, target);
  must(!(await bench.target.stateOf(account)).canEnter, 'the account was not cut');
  for (const { step, snapshot } of taken) {
    const given = await connector.restore?.(step, snapshot, target, bench.ctx());
    mustEqual(given?.kind, 'Done', `restore of ${step}`);
  }
  const after = await bench.target.stateOf(account);
  mustEqual({ ...after, sessions: null }, { ...before, sessions: null }, 'state after the restore');
  must(after.sessions === null || after.sessions === 0, 'sessions of before the cut live again');
  const writes = await bench.writesOf(async () => {
    for (const { step, snapshot } of taken) {
      const again = await connector.restore?.(step, snapshot, target, bench.ctx());
      mustEqual(again?.kind, 'AlreadyDone', `second restore of ${step}`);
    }
  });
  mustEqual(writes, 0, 'writes of the second restore');
  for (const { step, snapshot } of taken)
    mustEqual(sorted(await bench.snapshot(connector, step, target)), sorted(snapshot), `snapshot of ${step}`);
}

/** What was taken can be given back: exactly that, and nobody else lost anything. */
export const restoreChecks: readonly Check[] = [
  {
    id: 'C20',
    title: 'a restore gives back exactly what was taken, and no session',
    run: restoresExactly,
  },
  {
    id: 'C21',
    title: 'a snapshot is complete or is none',
    run: async bench => {
      const connector = bench.connect();
      const { account, target } = await bench.located(connector, {
        entitlements: bench.subject.manyEntitlements,
      });
      const wanted = (await bench.target.stateOf(account)).entitlements.length;
      const { entries } = await bench.snapshot(connector, 'stripEntitlements', target);
      must(
        entries.length >= wanted && wanted > 0,
        `a snapshot of ${entries.length} of ${wanted} entitlements`,
      );
      const name = bench.hasFault('server-error') ? 'server-error' : 'reset';
      const torn = await bench.under({ name, after: 1, times: 1 }, async () =>
        connector
          .snapshot?.('stripEntitlements', target, bench.ctx())
          .catch((): { kind: 'Thrown' } => ({ kind: 'Thrown' })),
      );
      must(torn !== undefined && torn.kind !== 'Snapshot', 'a read that failed half-way became a snapshot');
      await bench.act(connector, 'stripEntitlements', target);
      mustEqual((await bench.target.stateOf(account)).entitlements, [], 'what is left');
    },
  },
  {
    id: 'C31',
    title: 'only the leaver loses anything',
    run: async bench => {
      const connector = bench.connect();
      const { account: stays, target: other } = await bench.located(connector);
      const before = await bench.target.stateOf(stays);
      const { target } = await bench.located(connector);
      for (const step of bench.steps()) await bench.act(connector, step, target);
      mustEqual(await bench.target.stateOf(stays), before, 'state of somebody else');
      const seen = await bench.verify(connector, 'suspend', other);
      must(seen.kind === 'StillPresent', `somebody else is ${describe(seen)}`);
    },
  },
];
