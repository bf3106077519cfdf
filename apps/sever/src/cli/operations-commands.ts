import Table from 'cli-table3';
import type { Command } from 'commander';
import { EXIT, SeverError, type ExitStatus } from '../sever-error.js';
import { coloured } from './opt-out-view.js';
import { endProgress, guarded, print, progressLine, type CommonFlags } from './output.js';
import { api, runningInstance } from './running-instance.js';

type Overview = {
  connector: string;
  health: string;
  breaker: string;
  lag: number;
  parked: number;
  oldestUncutSeconds: number;
};

/** Connectors, the kill switch, replay and log. */
export function addOperationsCommands(program: Command, common: (command: Command) => Command): void {
  common(program.command('connectors').description('health of the connectors')).action((flags: CommonFlags) =>
    guarded(() => connectors(flags)),
  );
  common(program.command('kill-switch').description('stop or resume every side effect').argument('<on|off>'))
    .requiredOption('--reason <text>', 'why')
    .action((state: string, flags: CommonFlags & { reason: string }) =>
      guarded(() => killSwitch(state, flags)),
    );
  const replay = program.command('replay').description('the log, folded again');
  common(
    replay.command('verify').description('rebuild all read models beside the live ones and compare'),
  ).action((flags: CommonFlags) => guarded(() => verify(flags)));
  const log = program.command('log').description('events as JSON lines');
  common(log.command('tail').description('events as they are committed')).action((flags: CommonFlags) =>
    guarded(() => tail(flags)),
  );
  common(log.command('export').description('all events into a file').argument('<file>')).action(
    (file: string, flags: CommonFlags) => guarded(() => exportLog(file, flags)),
  );
}

async function connectors(flags: CommonFlags): Promise<ExitStatus> {
  const list = await api<Overview[]>(runningInstance(flags.data), 'GET', '/v1/connectors');
  print(flags, list, items => {
    const table = new Table({
      head: ['connector', 'health', 'breaker', 'lag', 'parked', 'oldest uncut'],
      style: { head: [], border: [] },
    });
    for (const c of items)
      table.push([
        c.connector,
        coloured(c.health === 'up' ? 'verified' : 'parked').replace(/verified|parked/, c.health),
        c.breaker,
        c.lag,
        c.parked,
        `${c.oldestUncutSeconds} s`,
      ]);
    return table.toString();
  });
  return EXIT.ok;
}

async function killSwitch(state: string, flags: CommonFlags & { reason: string }): Promise<ExitStatus> {
  if (state !== 'on' && state !== 'off')
    throw new SeverError('usage', 'the kill switch is turned on or off', EXIT.usage);
  const now = await api<{ on: boolean; since: string }>(
    runningInstance(flags.data),
    'PUT',
    '/v1/kill-switch',
    { on: state === 'on', reason: flags.reason },
  );
  print(
    flags,
    now,
    s => `the kill switch is ${s.on ? 'on: nothing is sent to any system' : 'off'} since ${s.since}`,
  );
  return EXIT.ok;
}

async function verify(flags: CommonFlags): Promise<ExitStatus> {
  const { verifyReplay } = await import('@sever/projection');
  const began = Date.now();
  const report = await verifyReplay({
    ownerUrl: runningInstance(flags.data).databaseUrl,
    onProgress: ({ done, total }) => {
      const rate = done / Math.max(0.001, (Date.now() - began) / 1_000);
      progressLine(
        `${done} of ${total} events, ${Math.round(rate)}/s, ${Math.ceil((total - done) / Math.max(1, rate))} s left`,
      );
    },
  });
  endProgress();
  print(
    flags,
    report,
    r =>
      `${r.events} events in ${r.seconds} s\n  live    ${r.liveDigest}\n  replay  ${r.replayDigest}\n  audit   ${r.audit.missing} missing, ${r.audit.differing} differing\n  ${r.equal ? 'equal' : 'NOT EQUAL'}`,
  );
  return report.equal ? EXIT.ok : EXIT.no;
}

async function tail(flags: CommonFlags): Promise<ExitStatus> {
  const { followLog } = await import('./log-reader.js');
  await followLog(runningInstance(flags.data).databaseUrl, line => process.stdout.write(`${line}\n`));
  return EXIT.ok;
}

async function exportLog(file: string, flags: CommonFlags): Promise<ExitStatus> {
  const { writeLog } = await import('./log-reader.js');
  const events = await writeLog(runningInstance(flags.data).databaseUrl, file, done =>
    progressLine(`${done} events`),
  );
  endProgress();
  print(flags, { file, events }, r => `${r.events} events in ${r.file}`);
  return EXIT.ok;
}
