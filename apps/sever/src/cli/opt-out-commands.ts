import type { Command } from 'commander';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, type ExitStatus } from '../sever-error.js';
import type { ReadyFile } from '../up/ready-file.js';
import { coloured, optOutList, optOutTable, type OptOut } from './opt-out-view.js';
import { endProgress, guarded, print, progressLine, type CommonFlags } from './output.js';
import { api, runningInstance } from './running-instance.js';

type Page = { items: OptOut[]; next: string | null };
type OptOutFlags = CommonFlags & {
  tenant: string;
  user: string;
  reason?: string;
  create?: boolean;
  wait?: boolean;
};
type StatusFlags = CommonFlags & { tenant?: string; user?: string; state?: string };
type ActionFlags = CommonFlags & { reason: string; connector?: string; step?: string };

const ENDED: ReadonlySet<string> = new Set(['closed', 'restored']);
const POLL_MS = 200;

/** `opt-out`, `status`, and what operators may do about an opt-out. */
export function addOptOutCommands(program: Command, common: (command: Command) => Command): void {
  common(program.command('opt-out').description('opt a person out'))
    .requiredOption('--tenant <tenant>', 'tenant of the person')
    .requiredOption('--user <name>', 'userName of the person')
    .option('--reason <text>', 'why; kept encrypted')
    .option('--create', 'also for somebody no identity provider sent')
    .option('--wait', 'follow until it is closed or needs a person')
    .action((flags: OptOutFlags) => guarded(() => optOut(flags)));
  common(program.command('status').description('an opt-out, a list, or counts').argument('[id]'))
    .option('--tenant <tenant>', 'only this tenant')
    .option('--user <name>', 'only this person')
    .option('--state <state>', 'only those in this state, for instance staged')
    .action((id: string | undefined, flags: StatusFlags) => guarded(() => status(id, flags)));
  for (const name of ['restore', 'retry', 'waive', 'hold', 'release'])
    common(program.command(name).description(`${name} an opt-out`).argument('<id>'))
      .requiredOption('--reason <text>', 'why; kept encrypted')
      .option('--connector <id>', 'only this connector')
      .option('--step <step>', 'only this step')
      .action((id: string, flags: ActionFlags) => guarded(() => act(name, id, flags)));
}

async function optOut(flags: OptOutFlags): Promise<ExitStatus> {
  const ready = runningInstance(flags.data);
  const body = { tenant: flags.tenant, userName: flags.user, reason: flags.reason, create: flags.create };
  const asked = await api<OptOut>(ready, 'POST', '/v1/opt-outs', body);
  const shown = flags.wait ? await follow(ready, asked.id) : asked;
  print(flags, shown, optOutTable);
  return flags.wait && shown.state !== 'closed' ? EXIT.no : EXIT.ok;
}

/** Follows an opt-out to its end, or until it needs a person. */
export async function follow(
  ready: ReadyFile,
  id: string,
  draw: (o: OptOut) => void = drawLine,
): Promise<OptOut> {
  for (;;) {
    const now = await api<OptOut>(ready, 'GET', `/v1/opt-outs/${id}`);
    draw(now);
    if (ENDED.has(now.state) || now.needsAttention) {
      endProgress();
      return now;
    }
    await sleep(POLL_MS);
  }
}

function drawLine(o: OptOut): void {
  const left =
    o.purgeAfter && o.state === 'held'
      ? `, purge in ${Math.max(0, Math.round((Date.parse(o.purgeAfter) - Date.now()) / 1_000))} s`
      : '';
  progressLine(
    `${coloured(o.state)}${left}  ${o.connectors.map(c => `${c.connector} ${coloured(c.state)}`).join('  ')}`,
  );
}

async function status(id: string | undefined, flags: StatusFlags): Promise<ExitStatus> {
  const ready = runningInstance(flags.data);
  if (id !== undefined) print(flags, await api<OptOut>(ready, 'GET', `/v1/opt-outs/${id}`), optOutTable);
  else if (flags.tenant !== undefined || flags.user !== undefined || flags.state !== undefined)
    print(flags, await all(ready, flags), optOutList);
  else print(flags, countsOf(await all(ready, flags)), counts => JSON.stringify(counts, null, 2));
  return EXIT.ok;
}

async function all(ready: ReadyFile, flags: StatusFlags): Promise<OptOut[]> {
  const items: OptOut[] = [];
  let cursor: string | null = null;
  do {
    const query = new URLSearchParams({ limit: '200' });
    if (flags.tenant !== undefined) query.set('tenant', flags.tenant);
    if (flags.user !== undefined) query.set('userName', flags.user);
    if (flags.state !== undefined) query.set('state', flags.state);
    if (cursor !== null) query.set('cursor', cursor);
    const page: Page = await api<Page>(ready, 'GET', `/v1/opt-outs?${query.toString()}`);
    items.push(...page.items);
    cursor = page.next;
  } while (cursor !== null);
  return items;
}

function countsOf(items: readonly OptOut[]): {
  total: number;
  needsAttention: number;
  states: Record<string, number>;
  connectors: Record<string, Record<string, number>>;
} {
  const states: Record<string, number> = {};
  const connectors: Record<string, Record<string, number>> = {};
  for (const o of items) {
    states[o.state] = (states[o.state] ?? 0) + 1;
    for (const c of o.connectors) {
      const counts = (connectors[c.connector] ??= {});
      counts[c.state] = (counts[c.state] ?? 0) + 1;
    }
  }
  return {
    total: items.length,
    needsAttention: items.filter(o => o.needsAttention).length,
    states,
    connectors,
  };
}

async function act(name: string, id: string, flags: ActionFlags): Promise<ExitStatus> {
  const body = { reason: flags.reason, connector: flags.connector, step: flags.step };
  print(
    flags,
    await api<OptOut>(runningInstance(flags.data), 'POST', `/v1/opt-outs/${id}/${name}`, body),
    optOutTable,
  );
  return EXIT.ok;
}
