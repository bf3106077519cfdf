import type { Step } from '@sever/event-contracts';
import { PermitDenied } from '../../permit.js';
import type { Check } from '../check.js';
import { must, mustEqual } from '../violation.js';
import { describe, type ContractBench } from '../contract-bench.js';
import type { AccountState } from '../contract-target.js';

/** What the target itself must say once a step is done. */
export const HOLDS: Record<Step, (state: AccountState) => boolean> = {
  suspend: state => !state.canEnter,
  endSessions: state => state.sessions === 0,
  revokeCredentials: state => !state.canEnter,
  stripEntitlements: state => state.entitlements.length === 0,
  delete: state => !state.exists,
};

const DONE: readonly string[] = ['Done', 'AlreadyDone'];

/** Cut and purge, each proven by the target itself and then repeated without a write. */
async function doAndProve(bench: ContractBench): Promise<void> {
  const connector = bench.connect();
  const { account, target } = await bench.located(connector);
  for (const stage of ['cut', 'purge'] as const) {
    for (const step of bench.steps(stage)) {
      const acted = await bench.act(connector, step, target);
      must(DONE.includes(acted.kind), `${step} answered ${describe(acted)}`);
      const seen = await bench.verify(connector, step, target);
      mustEqual(seen.kind, 'Verified', `verify ${step}`);
      const state = await bench.target.stateOf(account);
      must(HOLDS[step](state), `the target says otherwise after ${step}: ${JSON.stringify(state)}`);
    }
    const writes = await bench.writesOf(async () => {
      for (const step of bench.steps(stage)) {
        const again = await bench.act(connector, step, target);
        must(['AlreadyDone', 'NotFound'].includes(again.kind), `${step} again answered ${describe(again)}`);
      }
    });
    mustEqual(writes, 0, `writes of the second run of the ${stage}`);
  }
}

/** Acts have the effect they report, once, and verify sees the truth and touches nothing. */
export const effectChecks: readonly Check[] = [
  {
    id: 'C01',
    title: 'a second run changes nothing and writes nothing',
    always: true,
    run: doAndProve,
  },
  {
    id: 'C10',
    title: 'an effect whose reply was lost is recognised and not repeated',
    faults: ['response-lost'],
    run: async bench => {
      for (const step of bench.steps()) {
        const connector = bench.connect();
        const { account, target } = await bench.located(connector);
        const lost = await bench.under({ name: 'response-lost', on: 'writes' }, () =>
          bench.act(connector, step, target),
        );
        must(
          lost.kind === 'Thrown' || (lost.kind === 'Transient' && lost.effectUnknown === true),
          `${step} without a reply answered ${describe(lost)}`,
        );
        const again = await bench.act(connector, step, target);
        must([...DONE, 'NotFound'].includes(again.kind), `${step} again answered ${describe(again)}`);
        // Sessions count as ended only where no new one can begin.
        if (step === 'endSessions') await bench.act(connector, 'suspend', target);
        mustEqual((await bench.verify(connector, step, target)).kind, 'Verified', `verify ${step}`);
        const state = await bench.target.stateOf(account);
        must(HOLDS[step](state), `the target says otherwise after ${step}: ${JSON.stringify(state)}`);
      }
    },
  },
  {
    id: 'C16',
    title: 'a success that changed nothing is not verified',
    faults: ['false-success'],
    run: async bench => {
      for (const step of bench.steps()) {
        const connector = bench.connect();
        const { target } = await bench.located(connector);
        await bench.under({ name: 'false-success', on: 'writes' }, () => bench.act(connector, step, target));
        mustEqual((await bench.verify(connector, step, target)).kind, 'StillPresent', `verify ${step}`);
      }
    },
  },
  {
    id: 'C18',
    title: 'verify fails for every step that was not done',
    always: true,
    run: async bench => {
      const connector = bench.connect();
      const { target } = await bench.located(connector);
      for (const step of bench.steps())
        mustEqual((await bench.verify(connector, step, target)).kind, 'StillPresent', `verify ${step}`);
    },
  },
  {
    id: 'C19',
    title: 'verify and locate write nothing',
    always: true,
    run: async bench => {
      const connector = bench.connect();
      const { account, target } = await bench.located(connector);
      const look = async (): Promise<void> => {
        const before = await bench.target.stateOf(account);
        const writes = await bench.writesOf(async () => {
          await bench.find(connector, account.ref);
          for (const step of bench.steps()) await bench.verify(connector, step, target);
          for (const step of bench.steps('cut')) await connector.snapshot?.(step, target, bench.ctx());
        });
        mustEqual(writes, 0, 'writes of looking');
        mustEqual(await bench.target.stateOf(account), before, 'state after looking');
      };
      await look();
      for (const step of bench.steps('cut')) await bench.act(connector, step, target);
      await look();
    },
  },
  {
    id: 'C24',
    title: 'two workers on one account, and many on what they share, end well',
    run: async bench => {
      const [one, two] = [bench.connect(), bench.connect()];
      const { account, target } = await bench.located(one);
      const people = await Promise.all(Array.from({ length: 6 }, () => bench.located(one)));
      for (const step of bench.steps()) {
        await Promise.all([one, two].map(connector => bench.act(connector, step, target)));
        const acted = await bench.act(one, step, target);
        must([...DONE, 'NotFound'].includes(acted.kind), `${step} answered ${describe(acted)}`);
        mustEqual((await bench.verify(two, step, target)).kind, 'Verified', `verify ${step}`);
        const crowd = await Promise.all(people.map(person => bench.act(one, step, person.target)));
        for (const answer of crowd)
          must(DONE.includes(answer.kind), `${step} in a crowd answered ${describe(answer)}`);
      }
      mustEqual((await bench.target.stateOf(account)).exists, !bench.has('delete'), 'the account exists');
    },
  },
  {
    id: 'C35',
    title: 'nothing is written without a permit',
    always: true,
    run: async bench => {
      const connector = bench.connect();
      const { account, target } = await bench.located(connector);
      const before = await bench.target.stateOf(account);
      const refused = (): Promise<void> => Promise.reject(new PermitDenied('kill-switch.on'));
      const writes = await bench.writesOf(async () => {
        for (const step of bench.steps()) {
          const acted = await bench.act(connector, step, target, bench.ctx({ permit: refused }));
          must(
            acted.kind === 'Thrown' && acted.name === 'PermitDenied',
            `${step} without a permit answered ${describe(acted)}`,
          );
        }
      });
      mustEqual(writes, 0, 'writes without a permit');
      mustEqual(await bench.target.stateOf(account), before, 'state without a permit');
    },
  },
  {
    id: 'C36',
    title: 'the manifest promises what the connector does, and no more',
    always: true,
    run: async bench => {
      for (const { step, support, stage, reversibility } of bench.manifest.steps) {
        const connector = bench.connect();
        const { target } = await bench.located(connector);
        if (support === 'unsupported') {
          const calls = await bench.callsOf(async () => {
            if (connector[step])
              mustEqual(
                (await bench.act(connector, step, target)).kind,
                'Unsupported',
                `unsupported ${step}`,
              );
            mustEqual((await bench.verify(connector, step, target)).kind, 'Unsupported', `verify ${step}`);
          });
          mustEqual(calls, 0, `calls of the unsupported step ${step}`);
          continue;
        }
        must(
          stage === 'purge' || (reversibility !== undefined && reversibility !== 'irreversible'),
          `${step} belongs to the cut without being reversible`,
        );
        const writes = await bench.writesOf(async () => {
          mustEqual((await bench.act(connector, step, target)).kind, 'Done', step);
        });
        must(writes > 0, `${step} reports Done without a write`);
      }
    },
  },
];
