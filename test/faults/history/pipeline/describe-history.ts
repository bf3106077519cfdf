import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startPipeline, type Pipeline } from '../../../harness/pipeline.js';
import { checkHistory } from '../check-history.js';
import type { Finding } from '../finding.js';
import type { Operation } from '../operation.js';
import { reportOf } from '../report.js';
import { dumpHistory } from './dump.js';
import type { Profile } from './profile.js';
import { runWorkload } from './workload.js';

type Observed = Awaited<ReturnType<typeof runWorkload>>;

/**
 * For people: `SEVER_FAULT_SEED` repeats the choices of a run, `_SECONDS`, `_PEOPLE` and `_REST_SECONDS` change its size,
 * `_DUMP=DIR` keeps the history and the tables behind it, `_OVERLAP=on` opts people out anew while they are being restored.
 */
const number = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);
const SEED = number('SEVER_FAULT_SEED', Math.floor(Math.random() * 2 ** 31));
const SECONDS = number('SEVER_FAULT_SECONDS', 90);
const REST_SECONDS = number('SEVER_FAULT_REST_SECONDS', 300);
/** Start, workload, rest and the final looks. */
const HOOK_MS = (SECONDS + REST_SECONDS + 300) * 1_000;
const PEOPLE = number('SEVER_FAULT_PEOPLE', 30);

/** Declares the tests of one profile: a workload under kills and stalls, and the checks of its history. */
export function describeHistory(profile: Profile): void {
  describe(`the history of writes, kills and stalls, profile ${profile.name}`, () => historyOf(profile));
}

function historyOf(profile: Profile): void {
  let pipeline: Pipeline;
  let observed: Observed;
  let findings: Finding[];

  // Long, and bounded by the times below.
  beforeAll(async () => {
    pipeline = await startPipeline([
      ...profile.options,
      '--hold',
      '6s',
      '--rate-limit',
      'off',
      '--governor',
      'off',
    ]);
    process.stderr.write(`history: SEVER_FAULT_SEED=${SEED} repeats the choices of this run\n`);
    observed = await runWorkload({
      pipeline,
      profile,
      seed: SEED,
      people: PEOPLE,
      durationMs: SECONDS * 1_000,
      restMs: REST_SECONDS * 1_000,
      isDisturbed: true,
      mayOverlap: process.env.SEVER_FAULT_OVERLAP === 'on',
    });
    findings = checkHistory(observed.operations);
    const folder = process.env.SEVER_FAULT_DUMP;
    if (folder) await dumpHistory(folder, pipeline, observed.operations);
    process.stderr.write(`nemesis: ${observed.nemesis.log.join(', ')}\n`);
    process.stderr.write(`${reportOf(tableOf(observed, findings), findings)}\n`);
  }, HOOK_MS);
  afterAll(() => pipeline?.dispose());

  it('shows nothing wrong', () => {
    expect(findings).toEqual([]);
  });

  it('comes to an end: everything asked is done or waits for a person', () => {
    expect(observed.unrest).toBeUndefined();
  });

  it('saw enough to be believed', () => {
    const of = (kind: Operation['kind']): number => observed.operations.filter(o => o.kind === kind).length;
    expect(observed.asked.list.length).toBeGreaterThan(PEOPLE * 3);
    expect(observed.nemesis.kills).toBeGreaterThan(3);
    expect(observed.nemesis.stalls).toBeGreaterThan(2);
    expect(of('poll')).toBeGreaterThan(100);
    expect(of('effect')).toBeGreaterThan(100);
    expect(of('account')).toBeGreaterThan(PEOPLE);
    expect(of('applied')).toBeGreaterThan(30);
    expect(observed.asked.list.some(a => a.tries > 1)).toBe(true);
  });
}

function tableOf(o: Observed, findings: readonly Finding[]): [string, string | number][] {
  const { list } = o.asked;
  const of = (kind: Operation['kind']): number => o.operations.filter(x => x.kind === kind).length;
  const by = (status: string): number => list.filter(a => a.status === status).length;
  return [
    [
      'requests',
      `${list.length} (${by('acked')} acked, ${by('failed')} refused, ${by('indeterminate')} unknown)`,
    ],
    ['tries without an answer', list.reduce((sum, a) => sum + a.tries - 1, 0)],
    ['kills, stalls, rebalances', `${o.nemesis.kills}, ${o.nemesis.stalls}, ${o.rebalances}`],
    ['opt-outs', o.optOuts],
    ['records, polls, positions', `${of('record')}, ${of('poll')}, ${of('commit')}`],
    ['effects, accounts, audit rows', `${of('effect')}, ${of('account')}, ${of('audit')}`],
    ['findings', findings.length],
  ];
}
