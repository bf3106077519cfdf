import type { Command } from 'commander';
import { EXIT, SeverError, type ExitStatus } from '../sever-error.js';
import type { ReadyFile } from '../up/ready-file.js';
import { optOutTable, type OptOut } from './opt-out-view.js';
import { endProgress, guarded, print, progressLine, type CommonFlags } from './output.js';
import { api, runningInstance } from './running-instance.js';

type Verdict = 'approve' | 'reject';
type StagedFlags = CommonFlags & {
  reason: string;
  all?: boolean;
  tenant?: string;
  connection?: string;
  connector?: string;
  step?: string;
};

/** What one call of the REST door decided. */
type Part = { approved?: number; rejected?: number; reclaimed: number; waiting: number; next: string | null };
/** What all of them decided. */
type Report = { approved?: number; rejected?: number; reclaimed: number; waiting: number; seconds: number };

/** How many people one call decides: few enough to show how it goes, and to lose little when the connection breaks. */
const PART = 200;

/** `approve` and `reject`: one opt-out that the governor holds, or all of a tenant or of one of its connections. */
export function addStagedCommands(program: Command, common: (command: Command) => Command): void {
  const add = (verdict: Verdict, text: string): void => {
    common(program.command(verdict).description(text).argument('[id]'))
      .requiredOption('--reason <text>', 'why; kept encrypted')
      .option('--all', 'all that the governor holds')
      .option('--tenant <tenant>', 'with --all: of this tenant')
      .option('--connection <id>', 'with --all: only those that this connection asked for')
      .option(
        '--connector <id>',
        'as with other actions; an opt-out is staged as a whole, and this is refused',
      )
      .option('--step <step>', 'likewise')
      .action((id: string | undefined, flags: StagedFlags) => guarded(() => decide(verdict, id, flags)));
  };
  add('approve', 'let a staged opt-out begin');
  add('reject', 'end a staged opt-out; nothing was taken');
}

async function decide(verdict: Verdict, id: string | undefined, flags: StagedFlags): Promise<ExitStatus> {
  if ((id === undefined) === (flags.all !== true))
    throw new SeverError('usage', 'name an opt-out, or all of them with --all --tenant T', EXIT.usage);
  const ready = runningInstance(flags.data);
  if (id !== undefined) {
    const route = `/v1/opt-outs/${encodeURIComponent(id)}/${verdict}`;
    const body = { reason: flags.reason, connector: flags.connector, step: flags.step };
    print(flags, await api<OptOut>(ready, 'POST', route, body), optOutTable);
    return EXIT.ok;
  }
  if (flags.tenant === undefined)
    throw new SeverError('usage', '--all needs the tenant: --all --tenant T', EXIT.usage);
  const report = await decideAll(ready, verdict, flags);
  print(flags, report, done => reportText(verdict, done));
  return report.reclaimed === 0 ? EXIT.ok : EXIT.no;
}

async function decideAll(ready: ReadyFile, verdict: Verdict, flags: StagedFlags): Promise<Report> {
  const began = performance.now();
  let [done, reclaimed] = [0, 0];
  let after: string | undefined;
  for (;;) {
    const { tenant, connection, reason } = flags;
    const body = { tenant, connection, reason, limit: PART, after };
    const part: Part = await api<Part>(ready, 'POST', `/v1/staged-opt-outs/${verdict}`, body);
    done += part.approved ?? part.rejected ?? 0;
    reclaimed += part.reclaimed;
    const seconds = (performance.now() - began) / 1_000;
    if (part.next === null) {
      endProgress();
      const rounded = Math.round(seconds * 10) / 10;
      const decided = verdict === 'approve' ? { approved: done } : { rejected: done };
      return { ...decided, reclaimed, waiting: part.waiting, seconds: rounded };
    }
    after = part.next;
    progressLine(progressText(done + reclaimed, part.waiting - reclaimed, seconds));
  }
}

function progressText(done: number, left: number, seconds: number): string {
  const rate = done / Math.max(0.001, seconds);
  return `${done} of ${done + left} people, ${Math.round(rate)}/s, ${Math.ceil(left / Math.max(1, rate))} s left`;
}

const reportText = (verdict: Verdict, r: Report): string =>
  [
    verdict === 'approve'
      ? `${r.approved ?? 0} opt-outs approved in ${r.seconds} s; their cuts begin now`
      : `${r.rejected ?? 0} opt-outs rejected in ${r.seconds} s; nothing was taken from anybody`,
    ...(r.reclaimed > 0
      ? [
          `  ${r.reclaimed} left out: somebody else has their user name now (sever status --state staged lists them)`,
        ]
      : []),
    ...(r.waiting - r.reclaimed > 0 ? [`  ${r.waiting - r.reclaimed} came meanwhile and wait`] : []),
  ].join('\n');
