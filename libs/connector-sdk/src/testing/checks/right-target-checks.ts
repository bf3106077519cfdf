import type { Check } from '../check.js';
import { must, mustEqual } from '../violation.js';
import { describe, type ContractBench } from '../contract-bench.js';
import type { ContractAccount } from '../contract-target.js';

async function refusesToTouch(bench: ContractBench, account: ContractAccount): Promise<void> {
  const connector = bench.connect();
  const found = await connector.locate(account.ref, bench.ctx());
  must(
    found.kind === 'Located' && found.target.protectedBy !== undefined,
    `locate of a protected account answered ${describe(found)} without the flag`,
  );
  const before = await bench.target.stateOf(account);
  // Adopted before it was protected: the stored target has no flag, only the id.
  const adopted = { id: account.id, matchedBy: 'userName' };
  const writes = await bench.writesOf(async () => {
    for (const step of bench.steps())
      mustEqual(
        (await bench.act(connector, step, adopted)).kind,
        'Protected',
        `${step} of a protected account`,
      );
  });
  mustEqual(writes, 0, 'writes to a protected account');
  mustEqual(await bench.target.stateOf(account), before, 'state of a protected account');
}

/** The account that is acted on is the one that was adopted, and no other. */
export const rightTargetChecks: readonly Check[] = [
  {
    id: 'C25',
    title: 'two instances and two tenants never meet',
    always: true,
    run: async bench => {
      const [first, second] = [bench.connect('first'), bench.connect('second')];
      const here = await bench.located(first);
      const there = await bench.target.makeAccount({ at: 'second', userName: here.account.ref.userName });
      const before = await bench.target.stateOf(there);
      for (const step of bench.steps()) {
        await bench.act(first, step, here.target);
        await bench.find(second, there.ref);
      }
      mustEqual(await bench.target.stateOf(there), before, 'state in the other instance');
      must(!(await bench.target.stateOf(here.account)).canEnter, 'the own instance was not cut');
      const { id } = await bench.locate(second, there);
      mustEqual(id, there.id, 'the account that the other instance finds');
      await bench.act(second, 'suspend', { id, matchedBy: 'userName' });
      must(
        !(await bench.target.stateOf(there)).canEnter,
        'the other instance was not cut by its own connector',
      );
      const { scopes } = bench.target;
      if (!scopes) return;
      const [own, foreign] = scopes;
      const scoped = await bench.target.makeAccount({ scope: own });
      const inOwn = await bench.find(first, scoped.ref, bench.ctx({ match: { by: 'userName', scope: own } }));
      mustEqual(inOwn.kind, 'Located', 'the own scope');
      const inForeign = await bench.find(
        first,
        scoped.ref,
        bench.ctx({ match: { by: 'userName', scope: foreign } }),
      );
      mustEqual(inForeign.kind, 'NotFound', 'a foreign scope');
      const unknown = { by: 'userName' as const, scope: { 'no such thing': 'x' } };
      const inUnknown = await bench.find(first, scoped.ref, bench.ctx({ match: unknown }));
      mustEqual(inUnknown.kind, 'Conflict', 'a scope that cannot be told');
    },
  },
  {
    id: 'C26',
    title: 'a protected account is refused, however it was adopted',
    always: true,
    run: async bench => refusesToTouch(bench, await bench.target.protectedAccount()),
  },
  {
    id: 'C27',
    title: 'the connector refuses to cut itself',
    run: async bench => {
      must(bench.target.ownAccount !== undefined, 'the adapter names no account of the connector');
      await refusesToTouch(bench, await bench.target.ownAccount());
    },
  },
  {
    id: 'C29',
    title: 'a list is read to its end, and somebody else is never adopted',
    faults: ['filter-ignored'],
    run: async bench => {
      const connector = bench.connect();
      const { account } = await bench.located(connector);
      const nobody = { ...account.ref, userName: bench.target.unusedName() };
      const { found, missed } = await bench.under({ name: 'filter-ignored' }, async () => ({
        found: await connector.locate(account.ref, bench.ctx()),
        missed: await bench.find(connector, nobody),
      }));
      must(found.kind === 'Located' && found.target.id === account.id, `locate answered ${describe(found)}`);
      mustEqual(missed.kind, 'NotFound', 'locate of nobody');
    },
  },
  {
    id: 'C30',
    title: 'it acts on the id after a rename, finds names without case, and takes no one of two',
    run: async bench => {
      const connector = bench.connect();
      const { account, target } = await bench.located(connector);
      mustEqual(target.id, account.id, 'the id that was found');
      const shouted = { ...account.ref, userName: account.ref.userName.toUpperCase() };
      const found = await connector.locate(shouted, bench.ctx());
      must(
        found.kind === 'Located' && found.target.id === account.id,
        `upper case answered ${describe(found)}`,
      );
      await bench.target.renameAccount(account, bench.target.unusedName());
      const heir = await bench.target.makeAccount({ userName: account.ref.userName });
      const before = await bench.target.stateOf(heir);
      for (const step of bench.steps()) await bench.act(connector, step, target);
      mustEqual(await bench.target.stateOf(heir), before, 'state of the one who took over the name');
      must(!(await bench.target.stateOf(account)).canEnter, 'the renamed account was not cut');
      if (!bench.target.ambiguous) return;
      const both = await bench.find(connector, await bench.target.ambiguous());
      mustEqual(both.kind, 'Conflict', 'two matches');
    },
  },
];
