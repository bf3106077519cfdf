import Table from 'cli-table3';
import { colors } from './colors.js';

/** An opt-out as the REST door answers it, as far as people are shown it. */
export type OptOut = {
  id: string;
  tenant: string;
  userName: string | null;
  state: string;
  needsAttention: boolean;
  requestedAt: string;
  cutAt: string | null;
  purgeAfter: string | null;
  closedAt: string | null;
  attention: { nextAction: string }[];
  connectors: {
    connector: string;
    state: string;
    lastError: { code: string } | null;
    steps: { step: string; state: string }[];
  }[];
  timeline: { type: string; at: string; actor: string }[];
};

const GOOD: ReadonlySet<string> = new Set(['verified', 'purged', 'closed', 'cut', 'restored', 'noAccount']);
const BAD: ReadonlySet<string> = new Set(['parked', 'failed', 'unsupported', 'staged']);

export function coloured(state: string): string {
  if (GOOD.has(state)) return colors.green(state);
  if (BAD.has(state)) return colors.red(state);
  return state === 'waived' ? colors.yellow(state) : colors.cyan(state);
}

/** A table with one row per connector and one column per step. */
export function optOutTable(o: OptOut): string {
  const table = new Table({
    head: [
      'connector',
      'state',
      'suspend',
      'endSessions',
      'revokeCredentials',
      'stripEntitlements',
      'delete',
    ],
    style: { head: [], border: [] },
  });
  for (const c of o.connectors) {
    const step = (name: string): string => coloured(c.steps.find(s => s.step === name)?.state ?? '-');
    table.push([
      c.connector,
      coloured(c.state),
      step('suspend'),
      step('endSessions'),
      step('revokeCredentials'),
      step('stripEntitlements'),
      step('delete'),
    ]);
  }
  const head = `${colors.bold(o.userName ?? '(erased)')}  ${coloured(o.state)}  ${colors.dim(o.id)}`;
  const needs = o.attention.map(a => colors.red(`needs a person: ${a.nextAction}`));
  return [head, table.toString(), ...needs].join('\n');
}

export function optOutList(items: readonly OptOut[]): string {
  const table = new Table({
    head: ['requested', 'tenant', 'person', 'state', 'connectors', 'id'],
    style: { head: [], border: [] },
  });
  for (const o of items)
    table.push([
      o.requestedAt,
      o.tenant,
      o.userName ?? '(erased)',
      coloured(o.state),
      o.connectors.map(c => `${c.connector} ${coloured(c.state)}`).join(', '),
      o.id,
    ]);
  return table.toString();
}
