import type { Command } from 'commander';
import { colors } from './colors.js';
import { EXIT, SeverError, type ExitStatus } from '../sever-error.js';
import type { ReadyFile } from '../up/ready-file.js';
import { follow } from './opt-out-commands.js';
import { optOutTable, type OptOut } from './opt-out-view.js';
import { guarded, type CommonFlags } from './output.js';
import { api, runningInstance } from './running-instance.js';

/** `sever demo`: a seeded person leaves, as Entra would say it. */
export function addDemoCommand(program: Command, common: (command: Command) => Command): void {
  common(program.command('demo').description('opt a seeded person out and show the proof')).action(
    (flags: CommonFlags) => guarded(() => demo(flags)),
  );
}

type Resource = { id: string; userName: string; active: boolean };

async function demo(flags: CommonFlags): Promise<ExitStatus> {
  const ready = runningInstance(flags.data);
  const person = await firstActive(ready);
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  say(
    `${colors.bold(person.userName)} leaves. Entra sends:\n  PATCH /Users/${person.id}  {"op":"Replace","path":"active","value":"False"}`,
  );
  const began = Date.now();
  const body = {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations: [{ op: 'Replace', path: 'active', value: 'False' }],
  };
  const reply = await scim(ready, 'PATCH', `/Users/${person.id}`, body);
  say(`  answered ${reply.status} after ${Date.now() - began} ms: the event is committed\n`);
  const seen = new Set<string>();
  const [asked] = (
    await api<{ items: OptOut[] }>(
      ready,
      'GET',
      `/v1/opt-outs?tenant=acme&userName=${encodeURIComponent(person.userName)}`,
    )
  ).items;
  const id = asked?.id ?? (await waitForOptOut(ready, person.userName));
  const end = await follow(ready, id, o => {
    for (const entry of o.timeline) {
      if (seen.has(entry.type + entry.at + entry.actor)) continue;
      seen.add(entry.type + entry.at + entry.actor);
      say(
        `  ${colors.dim(`+${String(Date.parse(entry.at) - began).padStart(5)} ms`)}  ${entry.actor.padEnd(12)} ${entry.type}`,
      );
    }
  });
  say(`\n${optOutTable(end)}\n`);
  await showProof(ready, end, say);
  return end.state === 'closed' ? EXIT.ok : EXIT.no;
}

/** Rebuilds everything from the log beside the live tables, and says what both come to. */
async function showProof(ready: ReadyFile, end: OptOut, say: (line: string) => void): Promise<void> {
  const { verifyReplay } = await import('@sever/projection');
  const report = await verifyReplay({ ownerUrl: ready.databaseUrl });
  say(`The proof: ${end.timeline.length} events in the audit stream, each with its exact bytes.`);
  say(`  ${report.events} events of the log, folded again in ${report.seconds} s:`);
  say(`  live state    ${report.liveDigest}`);
  say(`  from the log  ${report.replayDigest}`);
  say(`  ${report.equal ? colors.green('equal') : colors.red('NOT EQUAL')}`);
}

async function waitForOptOut(ready: ReadyFile, userName: string): Promise<string> {
  for (let i = 0; i < 50; i += 1) {
    const { items } = await api<{ items: OptOut[] }>(
      ready,
      'GET',
      `/v1/opt-outs?tenant=acme&userName=${encodeURIComponent(userName)}`,
    );
    if (items[0]) return items[0].id;
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  throw new SeverError(
    'demo.no-opt-out',
    'the opt-out was not projected within 5 s; look at the log of the projector',
  );
}

async function firstActive(ready: ReadyFile): Promise<Resource> {
  const reply = await scim(ready, 'GET', '/Users?filter=active%20eq%20true&count=1');
  const { Resources } = (await reply.json()) as { Resources: Resource[] };
  if (!Resources[0])
    throw new SeverError(
      'demo.nobody-left',
      'everybody in the sandbox has left; start with a new folder: npm start -- --data OTHER',
    );
  return Resources[0];
}

function scim(ready: ReadyFile, method: string, path: string, body?: object): Promise<Response> {
  const entra = ready.connections.find(c => c.id === 'entra');
  if (!entra)
    throw new SeverError(
      'demo.no-sandbox',
      'the demo needs the sandbox; start without --no-sandbox',
      EXIT.no,
    );
  return fetch(entra.baseUrl + path, {
    method,
    headers: { authorization: `Bearer ${entra.token}`, 'content-type': 'application/scim+json' },
    ...(body && { body: JSON.stringify(body) }),
  });
}
