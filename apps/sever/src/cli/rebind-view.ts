import type { RebindCase } from '@sever/directory';
import Table from 'cli-table3';
import { colors } from './colors.js';

export function rebindTable(cases: readonly RebindCase[]): string {
  if (cases.length === 0) return 'nothing is to be decided';
  const table = new Table({
    head: ['case', 'user name', 'externalId of the leaver', 'externalId that was sent', 'asked', 'decided'],
    style: { head: [], border: [] },
  });
  for (const c of cases)
    table.push([
      c.id,
      c.userName,
      c.storedExternalId ?? '-',
      c.externalId ?? '-',
      `${c.requests} times, last ${c.lastSeen.slice(0, 16)}Z`,
      c.decision === null ? colors.yellow('not yet') : `${c.decision} by ${c.decidedBy}`,
    ]);
  return table.toString();
}

export const decidedText = (c: RebindCase): string =>
  c.decision === 'same-person'
    ? `${c.userName} is the same person: the next request gives everything back that is not deleted yet`
    : `${c.userName} is somebody else: the next request makes a new user, who inherits nothing`;
