import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, SeverError, type ExitStatus } from '../sever-error.js';
import type { ReadyFile } from '../up/ready-file.js';
import { endProgress, print, progressLine, type CommonFlags } from './output.js';
import { api, runningInstance } from './running-instance.js';

export type RetireFlags = CommonFlags & { reason: string; optOutAll?: boolean; keep?: boolean };

type Person = { subject: string; userName: string; otherConnections: number };
type Page = { items: Person[]; next: string | null };
type Retired = {
  id: string;
  tenant: string;
  retiredAt: string;
  people: string;
  reason: string;
  activePeople: number;
};
type Report = Retired & { optOuts: number; failed: { subject: string; code: string }[] };

/** The ingress believes a token for some seconds: who was added in them is found by a second look after this time. */
const SETTLED_MS = 5_000;
const PREVIEW = 20;

/**
 * Ends a connection. With people still active through it, it needs a decision; `--opt-out-all` asks for one opt-out per person,
 * and asks again for whoever is left when it is run again after an interruption.
 */
export async function retire(id: string, flags: RetireFlags): Promise<ExitStatus> {
  if (flags.optOutAll && flags.keep)
    throw new SeverError('usage', 'use --opt-out-all or --keep, not both', EXIT.usage);
  const ready = runningInstance(flags.data);
  const people = flags.optOutAll ? 'opt-out' : flags.keep ? 'keep' : undefined;
  const retired = await ask(ready, id, { reason: flags.reason, people });
  const { optOuts, failed } =
    retired.people === 'opt-out' ? await optOutEverybody(ready, retired) : { optOuts: 0, failed: [] };
  const report: Report = { ...retired, optOuts, failed };
  print(flags, report, reportText);
  return failed.length === 0 ? EXIT.ok : EXIT.no;
}

async function ask(ready: ReadyFile, id: string, body: object): Promise<Retired> {
  const route = `/v1/connections/${encodeURIComponent(id)}`;
  try {
    return await api<Retired>(ready, 'POST', `${route}/retire`, body);
  } catch (error) {
    if (error instanceof SeverError && error.code === 'connection.people-active')
      process.stderr.write(`${await preview(ready, route)}\n`);
    throw error;
  }
}

async function preview(ready: ReadyFile, route: string): Promise<string> {
  const { items, next } = await api<Page>(ready, 'GET', `${route}/people?limit=${PREVIEW}`);
  return [
    ...items.map(
      p => `  ${p.userName}${p.otherConnections > 0 ? `   (active through another connection too)` : ''}`,
    ),
    ...(next === null ? [] : ['  … and more']),
  ].join('\n');
}

async function optOutEverybody(
  ready: ReadyFile,
  retired: Retired,
): Promise<{ optOuts: number; failed: Report['failed'] }> {
  const met = new Set<string>();
  const failed: Report['failed'] = [];
  const walk = async (): Promise<void> => {
    let cursor: string | null = null;
    do {
      const page: Page = await api<Page>(
        ready,
        'GET',
        `/v1/connections/${retired.id}/people?limit=200${cursor === null ? '' : `&cursor=${cursor}`}`,
      );
      for (const person of page.items.filter(p => !met.has(p.subject))) {
        met.add(person.subject);
        const code = await optOut(ready, retired, person);
        if (code !== undefined) failed.push({ subject: person.subject, code });
        progressLine(`${met.size} of about ${retired.activePeople} people, ${failed.length} failed`);
      }
      cursor = page.next;
    } while (cursor !== null);
  };
  await walk();
  await sleep(Math.max(0, Date.parse(retired.retiredAt) + SETTLED_MS - Date.now()));
  await walk();
  endProgress();
  return { optOuts: met.size - failed.length, failed };
}

/**
 * One person, with a key that makes a repetition meet the opt-out that is there: somebody whom an operator gave back since is
 * not opted out again.
 * @returns the code of the refusal, if it was refused
 */
async function optOut(ready: ReadyFile, retired: Retired, person: Person): Promise<string | undefined> {
  try {
    await api(
      ready,
      'POST',
      '/v1/opt-outs',
      {
        tenant: retired.tenant,
        subject: person.subject,
        reason: retired.reason,
        retiredConnection: retired.id,
      },
      { 'idempotency-key': `retire ${retired.id} ${person.subject}` },
    );
    return undefined;
  } catch (error) {
    if (error instanceof SeverError && error.exit !== EXIT.unreachable) return error.code;
    throw error;
  }
}

const reportText = (r: Report): string =>
  [
    `connection ${r.id} is retired since ${r.retiredAt}; nothing opens it any more`,
    r.people === 'opt-out'
      ? `  ${r.optOuts} opt-outs asked for (sever status --tenant ${r.tenant} follows them)`
      : r.people === 'keep'
        ? `  ${r.activePeople} people stay active; opt them out with --opt-out-all, or one by one`
        : '  nobody was active through it',
    ...r.failed.map(f => `  refused for ${f.subject}: ${f.code}; run the command again`),
  ].join('\n');
