import type { PersonEvent } from '@sever/read-models';
import Table from 'cli-table3';
import { colors } from './colors.js';

/** A person's events, newest first. */
export type Person = { tenant: string; subject: string; items: PersonEvent[] };

/** A table with one row per event. */
export function personTable(person: Person): string {
  const head = `${colors.bold(person.subject)}  ${person.tenant}`;
  if (person.items.length === 0) return `${head}\nthe log knows nothing yet`;
  const table = new Table({
    head: ['when', 'what', 'by', 'through', 'about', 'event'],
    style: { head: [], border: [] },
  });
  for (const e of person.items)
    table.push([e.at, what(e), e.actor, e.connection ?? e.connector ?? '-', about(e), colors.dim(e.id)]);
  return [head, table.toString()].join('\n');
}

/** `sever.optout.requested.v1` as `optout requested`; what a group event did to this person. */
function what(e: PersonEvent): string {
  if (e.moved === 'joined') return colors.green('joined a group');
  if (e.moved === 'left') return colors.red('left a group');
  const [, entity = '', fact = ''] = e.type.split('.');
  const text = `${entity} ${fact}`;
  return entity === 'optout' ? colors.yellow(text) : text;
}

function about(e: PersonEvent): string {
  if (e.group !== null) return `group ${e.group}`;
  return e.optOut === null ? '-' : `opt-out ${e.optOut}`;
}
