import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { writeAtomically } from './data-folder.js';
import { isSameProcess, startTimeOf } from './process-identity.js';

const recordSchema = z.array(z.object({ name: z.string(), pid: z.number(), started: z.string() }));
export type ProcessEntry = { name: string; pid: number };

/** Writes down who was started, so that the next start finds what a killed one left behind. */
export function recordProcesses(file: string, processes: readonly ProcessEntry[]): void {
  writeAtomically(file, JSON.stringify(processes.map(p => ({ ...p, started: startTimeOf(p.pid) ?? '' }))));
}

const GRACE_MS = 12_000;

/** Ends what survived an earlier run: they end by themselves when their parent dies; those that do not are killed. */
export async function endSurvivors(file: string): Promise<string[]> {
  if (!existsSync(file)) return [];
  const parsed = recordSchema.safeParse(JSON.parse(readFileSync(file, 'utf8') || '[]'));
  const alive = (parsed.success ? parsed.data : []).filter(p => isSameProcess(p.pid, p.started));
  const deadline = Date.now() + GRACE_MS;
  for (const p of alive) signal(p.pid, p.name.endsWith('postgres') ? 'SIGINT' : 'SIGTERM');
  while (Date.now() < deadline && alive.some(p => isSameProcess(p.pid, p.started))) await sleep(100);
  for (const p of alive) if (isSameProcess(p.pid, p.started)) signal(p.pid, 'SIGKILL');
  return alive.map(p => p.name);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // Gone meanwhile.
  }
}
