import type { Step } from '@sever/event-contracts';
import type { Connector } from '../../connector.js';
import type { Check } from '../check.js';
import { must, mustEqual } from '../violation.js';
import { describe, type Answered, type ContractBench } from '../contract-bench.js';
import type { FaultName } from '../contract-target.js';

/** What a failure of a read may be called. Absence and success are in none of them. */
type Expected = Partial<Record<FaultName, readonly string[]>>;

const HANG_MS = 1_500;

/** Every read of a connector, of an account that is there and of one that is not. */
async function reads(
  bench: ContractBench,
  connector: Connector,
): Promise<[string, () => Promise<Answered>][]> {
  const { account, target } = await bench.located(connector);
  const nobody = { ...account.ref, userName: bench.target.unusedName() };
  const ctx = () => bench.ctx({ signal: AbortSignal.timeout(10_000) });
  const verify = (step: Step): [string, () => Promise<Answered>] => [
    `verify ${step}`,
    () => bench.verify(connector, step, target, ctx()),
  ];
  return [
    ['locate', () => bench.find(connector, account.ref, ctx())],
    ['locate of nobody', () => bench.find(connector, nobody, ctx())],
    ...bench.steps().map(verify),
    ['probe', async () => ({ ...(await connector.probe({ signal: AbortSignal.timeout(10_000) })) })],
  ];
}

/** Faults that only lists can have: a read of one resource does not meet them, and a probe may live with them. */
const LIST_FAULTS: ReadonlySet<FaultName> = new Set(['truncated-list']);

async function failsAs(bench: ContractBench, expected: Expected): Promise<void> {
  const connector = bench.connect();
  const all = await reads(bench, connector);
  for (const [name, kinds] of Object.entries(expected)) {
    const fault = name as FaultName;
    if (!bench.hasFault(fault)) continue;
    const isList = LIST_FAULTS.has(fault);
    let met = 0;
    for (const [what, read] of all) {
      if (isList && what === 'probe') continue;
      const { result, fired } = await bench.underIfMet({ name: fault }, read);
      met += fired;
      must(fired > 0 || isList, `${what} never met the fault ${name}`);
      must(fired === 0 || kinds.includes(result.kind), `${what} under ${name} answered ${describe(result)}`);
    }
    must(met > 0, `nothing met the fault ${name}`);
  }
}

const readFailure = (id: Check['id'], title: string, expected: Expected): Check => ({
  id,
  title,
  faults: Object.keys(expected) as FaultName[],
  always: true,
  run: bench => failsAs(bench, expected),
});

/** Absence is a positive observation, and no error is one. */
export const absenceChecks: readonly Check[] = [
  {
    id: 'C02',
    title: 'an account that was never there is confirmed absent without a write',
    always: true,
    run: async bench => {
      const connector = bench.connect();
      const { ref } = await bench.target.makeAccount();
      const writes = await bench.writesOf(async () => {
        const seen = await bench.find(connector, { ...ref, userName: bench.target.unusedName() });
        must(
          seen.kind === 'NotFound' && seen.confirmed === true,
          `locate of nobody answered ${describe(seen)}`,
        );
        must(
          Array.isArray(seen.keysTried) && seen.keysTried.length > 0,
          'the keys that were tried are not named',
        );
      });
      mustEqual(writes, 0, 'writes for an account that is not there');
    },
  },
  {
    id: 'C03',
    title: 'an account deleted by somebody else between two steps ends as absent',
    run: async bench => {
      const connector = bench.connect();
      const { account, target } = await bench.located(connector);
      await bench.act(connector, 'suspend', target);
      await bench.target.removeAccount(account);
      for (const step of bench.steps()) {
        const acted = await bench.act(connector, step, target);
        must(['NotFound', 'AlreadyDone'].includes(acted.kind), `${step} answered ${describe(acted)}`);
        const seen = await bench.verify(connector, step, target);
        const wanted = step === 'delete' ? ['Verified'] : ['NotFound', 'Verified'];
        must(wanted.includes(seen.kind), `verify ${step} answered ${describe(seen)}`);
      }
    },
  },
  readFailure('C04', 'a rate limit is not absence', { 'rate-limited': ['RateLimited'] }),
  readFailure('C05', 'an error of the target is not absence', {
    'server-error': ['Transient'],
    unavailable: ['Transient'],
    reset: ['Transient'],
    refused: ['Transient'],
  }),
  {
    id: 'C06',
    title: 'silence is not absence',
    faults: ['hang'],
    always: true,
    run: async bench => {
      const connector = bench.connect();
      const { account, target } = await bench.located(connector);
      const ctx = () => bench.ctx({ signal: AbortSignal.timeout(HANG_MS) });
      const silent: [string, () => Promise<Answered>][] = [
        ['locate', () => bench.find(connector, account.ref, ctx())],
        ...bench
          .steps()
          .map((step): [string, () => Promise<Answered>] => [
            `verify ${step}`,
            () => bench.verify(connector, step, target, ctx()),
          ]),
      ];
      for (const [what, read] of silent) {
        const answer = await bench.under({ name: 'hang' }, read);
        must(
          ['Transient', 'Thrown'].includes(answer.kind),
          `${what} in silence answered ${describe(answer)}`,
        );
      }
    },
  },
  readFailure('C07', 'a rejected credential is not absence', { unauthorized: ['AuthFailed'] }),
  readFailure('C08', 'a reply that is not understood is not absence', {
    malformed: ['Malformed', 'Transient'],
    empty: ['Malformed', 'Transient'],
    'foreign-not-found': ['Malformed'],
    'truncated-list': ['Malformed'],
  }),
  readFailure('C09', 'a redirect or a login page is not absence', {
    redirect: ['AuthFailed'],
    'login-page': ['AuthFailed'],
  }),
  {
    id: 'C33',
    title: 'a second delete finds nothing',
    run: async bench => {
      const connector = bench.connect();
      const { account, target } = await bench.located(connector);
      const first = await bench.act(connector, 'delete', target);
      mustEqual(first.kind, 'Done', 'first delete');
      mustEqual((await bench.target.stateOf(account)).exists, false, 'the account exists');
      const writes = await bench.writesOf(async () => {
        const second = await bench.act(connector, 'delete', target);
        must(
          second.kind === 'NotFound' && second.confirmed === true,
          `second delete answered ${describe(second)}`,
        );
      });
      mustEqual(writes, 0, 'writes of the second delete');
    },
  },
];
