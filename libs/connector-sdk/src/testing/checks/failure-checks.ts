import type { Check } from '../check.js';
import { must, mustEqual } from '../violation.js';
import { describe, type Answered, type ContractBench } from '../contract-bench.js';
import { FAULT_NAMES, type FaultName } from '../contract-target.js';

const SUCCESS: readonly string[] = ['Done', 'AlreadyDone', 'NotFound', 'Verified'];
const ABORT_MS = 300;
/** Beyond this a call that was aborted counts as deaf; far more than any machine needs. */
const DEAF_MS = 5_000;

const header = (name: string, value: string): readonly [string, string] => [name, value];

/** Forms in which vendors say when, and how many seconds from now each means. */
function resetForms(): [form: string, header: readonly [string, string], seconds: number][] {
  const inSeconds = (s: number): Date => new Date(Date.now() + s * 1_000);
  const epoch = (s: number): number => Math.round(inSeconds(s).getTime() / 1_000);
  return [
    ['seconds', header('retry-after', '30'), 30],
    ['HTTP-date', header('retry-after', inSeconds(90).toUTCString()), 90],
    ['epoch seconds', header('x-ratelimit-reset', String(epoch(120))), 120],
    ['epoch milliseconds', header('x-rate-limit-reset', String(inSeconds(120).getTime())), 120],
    ['relative seconds', header('ratelimit-reset', '45'), 45],
    ['RFC 3339', header('x-ratelimit-reset', inSeconds(60).toISOString()), 60],
    ['six hours', header('retry-after', '21600'), 21_600],
  ];
}

/** Every outcome of reads and acts under every fault, as one text. */
async function everythingSaid(bench: ContractBench): Promise<{ said: string; userName: string }> {
  const connector = bench.connect();
  const { account, target } = await bench.located(connector);
  const said: Answered[] = [];
  for (const name of FAULT_NAMES.filter(n => bench.hasFault(n))) {
    const ctx = () => bench.ctx({ signal: AbortSignal.timeout(name === 'hang' ? ABORT_MS : 10_000) });
    await bench.underIfMet({ name }, async () => {
      const { evidence, kind, ...rest } = await bench.find(connector, account.ref, ctx());
      said.push(kind === 'Located' ? { kind, evidence } : { kind, evidence, ...rest });
      for (const step of bench.steps()) said.push(await bench.verify(connector, step, target, ctx()));
      for (const step of bench.steps('cut')) said.push(await bench.act(connector, step, target, ctx()));
    });
  }
  for (const step of bench.steps()) {
    said.push(await bench.act(connector, step, target), await bench.verify(connector, step, target));
  }
  return { said: JSON.stringify(said), userName: account.ref.userName };
}

const saysSo = (id: Check['id'], title: string, name: FaultName): Check => ({
  id,
  title,
  faults: [name],
  run: async bench => {
    const connector = bench.connect();
    const { account } = await bench.located(connector);
    for (const [form, pair, seconds] of resetForms()) {
      const seen = await bench.under({ name, header: pair }, () => bench.find(connector, account.ref));
      mustEqual(seen.kind, 'RateLimited', `a limit that ends by ${form}`);
      const off = seen.until instanceof Date ? (seen.until.getTime() - Date.now()) / 1_000 - seconds : NaN;
      must(Math.abs(off) <= 3, `a limit that ends by ${form} is ${off} s off`);
    }
  },
});

/** Failures are told for what they are, in time, and without telling more. */
export const failureChecks: readonly Check[] = [
  saysSo(
    'C11',
    'the end of a rate limit is read in every form and honoured however far away',
    'rate-limited',
  ),
  saysSo('C12', 'a rate limit sent as 403 is a rate limit', 'rate-limited-as-forbidden'),
  {
    id: 'C13',
    title: 'a refused write and an error inside a success are failures',
    faults: ['write-refused', 'error-body'],
    run: async bench => {
      const faults = (['write-refused', 'error-body'] as const).filter(name => bench.hasFault(name));
      for (const name of faults)
        for (const step of bench.steps()) {
          const connector = bench.connect();
          const { target } = await bench.located(connector);
          const acted = await bench.under({ name, on: 'writes' }, () => bench.act(connector, step, target));
          must(!SUCCESS.includes(acted.kind), `${step} under ${name} answered ${describe(acted)}`);
        }
    },
  },
  {
    id: 'C14',
    title: 'a step of which one part failed is not done',
    faults: ['write-refused'],
    run: async bench => {
      const connector = bench.connect();
      const { account, target } = await bench.located(connector, { entitlements: 3 });
      const acted = await bench.under({ name: 'write-refused', on: 'writes', after: 1, times: 1 }, () =>
        bench.act(connector, 'stripEntitlements', target),
      );
      must(!SUCCESS.includes(acted.kind), `a partial strip answered ${describe(acted)}`);
      must((await bench.target.stateOf(account)).entitlements.length > 0, 'the failure left nothing behind');
      mustEqual((await bench.verify(connector, 'stripEntitlements', target)).kind, 'StillPresent', 'verify');
      mustEqual((await bench.act(connector, 'stripEntitlements', target)).kind, 'Done', 'the next try');
    },
  },
  {
    id: 'C22',
    title: 'an aborted call ends at once and claims nothing',
    faults: ['hang'],
    run: async bench => {
      const connector = bench.connect();
      const { target } = await bench.located(connector);
      for (const step of bench.steps()) {
        const signal = AbortSignal.timeout(ABORT_MS);
        const acted = await bench.under({ name: 'hang' }, () =>
          Promise.race([bench.act(connector, step, target, bench.ctx({ signal })), deaf()]),
        );
        must(acted.kind !== 'Deaf', `${step} went on ${DEAF_MS} ms after its signal`);
        must(['Transient', 'Thrown'].includes(acted.kind), `an aborted ${step} answered ${describe(acted)}`);
      }
    },
  },
  {
    id: 'C23',
    title: 'no credential and no name stands in an outcome or an error',
    always: true,
    run: async bench => {
      const { said, userName } = await everythingSaid(bench);
      const canaries = [...bench.target.secrets(), userName];
      for (const [i, canary] of canaries.entries())
        must(
          !said.toLowerCase().includes(asJson(canary)),
          i === canaries.length - 1 ? 'the user name is told' : 'a credential is told',
        );
    },
  },
  {
    id: 'C39',
    title: 'a wrong configuration is refused, does nothing and tells no secret',
    always: true,
    run: async bench => {
      const { ref } = await bench.target.makeAccount();
      const configs = bench.target.negativeConfigs();
      must(configs.length >= 4, 'fewer than four wrong configurations are tried');
      const writes = await bench.writesOf(async () => {
        for (const config of configs) {
          const said = await refusal(bench, config, ref);
          mustEqual(said.kind, config.expected, config.name);
          for (const secret of bench.target.secrets())
            must(!JSON.stringify(said).includes(secret), `${config.name} tells a secret`);
        }
      });
      mustEqual(writes, 0, 'writes of wrong configurations');
    },
  },
];

/** A text as it stands inside JSON, without case. */
const asJson = (text: string): string => JSON.stringify(text).slice(1, -1).toLowerCase();

async function refusal(
  bench: ContractBench,
  config: ReturnType<ContractBench['target']['negativeConfigs']>[number],
  ref: Parameters<ContractBench['find']>[1],
): Promise<Answered> {
  if (config.parse) {
    try {
      config.parse();
      return { kind: 'settings accepted' };
    } catch (error) {
      return { kind: 'settings refused', message: String(error) };
    }
  }
  const connector = config.connect?.();
  must(connector !== undefined, `${config.name} has nothing to try`);
  try {
    return await bench.find(connector, ref);
  } finally {
    await connector.close();
  }
}

function deaf(): Promise<Answered> {
  return new Promise(resolve => setTimeout(() => resolve({ kind: 'Deaf' }), DEAF_MS).unref());
}
