import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { startPipeline, type Pipeline } from '../harness/pipeline.js';
import { checkHistory } from './history/check-history.js';
import type { Finding } from './history/finding.js';
import type { Operation } from './history/operation.js';
import { dumpHistory } from './history/pipeline/dump.js';
import { embedded, type Profile } from './history/pipeline/profile.js';
import { runWorkload, type Observed } from './history/pipeline/workload.js';
import { reportOf } from './history/report.js';

jest.setTimeout(900_000);

/** Ways of reading the log; the history is checked in each. */
const PROFILES: Profile[] = [embedded];

const number = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);
const SEED = number('SEVER_FAULT_SEED', Math.floor(Math.random() * 2 ** 31));
const SECONDS = number('SEVER_FAULT_SECONDS', 90);
const REST_SECONDS = number('SEVER_FAULT_REST_SECONDS', 300);
const PEOPLE = number('SEVER_FAULT_PEOPLE', 30);

describe.each(PROFILES)('the history of writes, kills and stalls, profile $name', profile => {
  let pipeline: Pipeline;
  let observed: Observed;
  let findings: Finding[];

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
  });
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
});

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
