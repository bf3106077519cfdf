import type { Command } from 'commander';
import { EXIT, SeverError, type ExitStatus } from '../sever-error.js';
import type { ReadyFile } from '../up/ready-file.js';
import { guarded, print, type CommonFlags } from './output.js';
import { personTable, type Person } from './person-view.js';
import { api, runningInstance } from './running-instance.js';

type PersonFlags = CommonFlags & { tenant: string; user?: string; subject?: string };
type Page = Person & { next: string | null };

/** `person`: what the log knows about somebody. */
export function addPersonCommand(program: Command, common: (command: Command) => Command): void {
  common(program.command('person').description('everything the log knows about a person, newest first'))
    .requiredOption('--tenant <tenant>', 'tenant of the person')
    .option('--user <name>', 'userName of the person')
    .option('--subject <id>', 'the opaque id of the person, for instance of somebody who had the name before')
    .action((flags: PersonFlags) => guarded(() => person(flags)));
}

async function person(flags: PersonFlags): Promise<ExitStatus> {
  if ((flags.user === undefined) === (flags.subject === undefined))
    throw new SeverError('usage', 'name the person by --user or --subject', EXIT.usage);
  print(flags, await wholeTimeline(runningInstance(flags.data), flags), personTable);
  return EXIT.ok;
}

async function wholeTimeline(ready: ReadyFile, flags: PersonFlags): Promise<Person> {
  const query = new URLSearchParams({ tenant: flags.tenant, limit: '200' });
  if (flags.user !== undefined) query.set('userName', flags.user);
  let found = await page(ready, query, flags.subject);
  const items = [...found.items];
  while (found.next !== null) {
    // The person of the first page, whatever becomes of the name meanwhile.
    query.delete('userName');
    query.set('cursor', found.next);
    found = await page(ready, query, found.subject);
    items.push(...found.items);
  }
  return { tenant: found.tenant, subject: found.subject, items };
}

function page(ready: ReadyFile, query: URLSearchParams, subject: string | undefined): Promise<Page> {
  if (subject !== undefined) query.set('subject', subject);
  return api<Page>(ready, 'GET', `/v1/subjects/timeline?${query.toString()}`);
}
