import type { RebindCase, RebindPolicy } from '@sever/directory';
import type { Command } from 'commander';
import { EXIT, SeverError, type ExitStatus } from '../sever-error.js';
import type { Connection } from './connection-view.js';
import { alternatives, oneOf } from './option-values.js';
import { guarded, print, type CommonFlags } from './output.js';
import { decidedText, rebindTable } from './rebind-view.js';
import { api, runningInstance } from './running-instance.js';

type SetFlags = CommonFlags & { rebind: string };
type DecideFlags = CommonFlags & { samePerson?: boolean; anotherPerson?: boolean; reason: string };

/** Who may choose: `externalId`, an operator (`manual`), or nobody (`never`). */
const POLICIES = Object.keys({ externalId: true, manual: true, never: true } satisfies Record<
  RebindPolicy,
  true
>);

export const REBIND = `whether an inactive namesake is the same person: ${alternatives(POLICIES)} (default externalId)`;
export const rebindPolicy = oneOf(POLICIES);

/** Rehire: who decides whether somebody who is created is somebody who left, and the decisions that are waited for. */
export function addRebindCommands(connection: Command, common: (command: Command) => Command): void {
  common(connection.command('set').description('change a connection').argument('<id>'))
    .requiredOption('--rebind <policy>', REBIND, rebindPolicy)
    .action((id: string, flags: SetFlags) => guarded(() => set(id, flags)));
  common(
    connection
      .command('rebinds')
      .description('namesakes of leavers of whom somebody must say who they are')
      .argument('<id>'),
  ).action((id: string, flags: CommonFlags) => guarded(() => list(id, flags)));
  common(
    connection
      .command('rebind')
      .description('say whether somebody who is created is the leaver with that name')
      .argument('<id>')
      .argument('<case>'),
  )
    .option('--same-person', 'the leaver comes back')
    .option('--another-person', 'somebody new, who inherits nothing')
    .requiredOption('--reason <text>', 'why')
    .action((id: string, question: string, flags: DecideFlags) => guarded(() => decide(id, question, flags)));
}

async function set(id: string, flags: SetFlags): Promise<ExitStatus> {
  const changed = await api<Connection>(runningInstance(flags.data), 'PATCH', at(id), {
    rebind: flags.rebind,
  });
  print(flags, changed, c => `connection ${c.id}: rebind ${c.rebind}`);
  return EXIT.ok;
}

async function list(id: string, flags: CommonFlags): Promise<ExitStatus> {
  const { items } = await api<{ items: RebindCase[] }>(
    runningInstance(flags.data),
    'GET',
    `${at(id)}/rebinds`,
  );
  print(flags, items, rebindTable);
  return EXIT.ok;
}

async function decide(id: string, question: string, flags: DecideFlags): Promise<ExitStatus> {
  if (Boolean(flags.samePerson) === Boolean(flags.anotherPerson))
    throw new SeverError('usage', 'say --same-person or --another-person', EXIT.usage);
  const body = { decision: flags.samePerson ? 'same-person' : 'another-person', reason: flags.reason };
  const route = `${at(id)}/rebinds/${encodeURIComponent(question)}`;
  print(flags, await api<RebindCase>(runningInstance(flags.data), 'PUT', route, body), decidedText);
  return EXIT.ok;
}

const at = (id: string): string => `/v1/connections/${encodeURIComponent(id)}`;
