import Table from 'cli-table3';
import type { Command } from 'commander';
import { colors } from './colors.js';
import { EXIT, SeverError, type ExitStatus } from '../sever-error.js';
import { guarded, print, type CommonFlags } from './output.js';
import { api, runningInstance } from './running-instance.js';

type Source = {
  source: { kind: 'connection' | 'api'; id: string };
  windowSeconds: number;
  maxOptOuts: number;
  percent: number;
  optOuts: number;
  waiting: number;
  people: number;
  rule: string;
  limit: number;
};
type Overview = { governor: 'on' | 'off'; tenant: string; items: Source[] };

type GovernorFlags = CommonFlags & { tenant?: string };
type SetFlags = CommonFlags & {
  tenant?: string;
  connection?: string;
  max?: string;
  percent?: string;
  window?: string;
  reason?: string;
};

const TENANT = '--tenant <tenant>';

/** `governor`: what the guard against mass deprovisioning sees, and from when on it holds opt-outs. */
export function addGovernorCommands(program: Command, common: (command: Command) => Command): void {
  const governor = program.command('governor').description('the guard against mass deprovisioning');
  common(
    governor
      .command('show', { isDefault: true })
      .description('opt-outs within the window, limit, and how many wait'),
  )
    .option(TENANT, 'tenant to look at')
    .action((flags: GovernorFlags) => guarded(() => show(flags)));
  common(governor.command('set').description('from when on opt-outs are held'))
    .option(TENANT, 'tenant of the sources')
    .option(
      '--connection <id>',
      'only this connection; without it all sources that have no limits of their own',
    )
    .option('--max <n>', 'most people within the window, or default')
    .option('--percent <n>', "most of the source's people in percent, or default")
    .option('--window <duration>', 'length of the window, for instance 10m, or default')
    .option('--reason <text>', 'why')
    .action((flags: SetFlags) => guarded(() => set(flags)));
}

async function show(flags: GovernorFlags): Promise<ExitStatus> {
  const tenant = required(flags.tenant, TENANT);
  const route = `/v1/governor?tenant=${encodeURIComponent(tenant)}`;
  print(flags, await api<Overview>(runningInstance(flags.data), 'GET', route), overviewText);
  return EXIT.ok;
}

async function set(flags: SetFlags): Promise<ExitStatus> {
  const body = {
    tenant: required(flags.tenant, TENANT),
    connection: flags.connection,
    maxOptOuts: numberOf(flags.max, '--max'),
    percent: numberOf(flags.percent, '--percent'),
    window: flags.window === 'default' ? null : flags.window,
    reason: required(flags.reason, '--reason <text>'),
  };
  print(flags, await api<Overview>(runningInstance(flags.data), 'PUT', '/v1/governor', body), overviewText);
  return EXIT.ok;
}

function required(value: string | undefined, option: string): string {
  if (value === undefined) throw new SeverError('usage', `${option} is required`, EXIT.usage);
  return value;
}

function numberOf(text: string | undefined, option: string): number | null | undefined {
  if (text === undefined) return undefined;
  if (text === 'default') return null;
  if (!/^[0-9]{1,9}$/.test(text))
    throw new SeverError('usage', `${option} is a number of 0 or more, or default`, EXIT.usage);
  return Number(text);
}

function overviewText({ governor, tenant, items }: Overview): string {
  const table = new Table({
    head: ['source', 'opted out', 'window', 'limit', 'by', 'people', 'waiting'],
    style: { head: [], border: [] },
  });
  for (const s of items)
    table.push([
      s.source.kind === 'connection' ? s.source.id : `REST door: ${s.source.id}`,
      s.optOuts,
      `${s.windowSeconds} s`,
      s.limit,
      s.rule === 'max-opt-outs' ? `at most ${s.maxOptOuts}` : `${s.percent} % of the people`,
      s.people,
      s.waiting > 0 ? colors.red(s.waiting) : 0,
    ]);
  const waiting = items.reduce((sum, s) => sum + s.waiting, 0);
  return [
    `the governor is ${governor} for ${tenant}`,
    table.toString(),
    ...(waiting > 0
      ? [
          `${waiting} opt-outs wait: sever approve --all --tenant ${tenant} --reason TEXT lets them begin, sever reject ends them`,
        ]
      : []),
  ].join('\n');
}
