import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { opened } from './resources.mjs';

const main = new URL('../../apps/sever/dist/main.js', import.meta.url).pathname;

/** Starts `sever up` on a folder of its own; `ready` is what its ready file says. */
export async function startPipeline(options = []) {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'sever-bench-'));
  const up = spawn(
    process.execPath,
    [main, 'up', '--json', '--port', '0', '--governor', 'off', '--data', dataDir, ...options],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const ended = new Promise(resolve => up.once('exit', resolve));
  const stop = opened(async () => {
    up.kill('SIGTERM');
    await ended;
    rmSync(dataDir, { recursive: true, force: true });
  });
  const line = await Promise.race([
    new Promise(resolve => createInterface({ input: up.stdout }).once('line', resolve)),
    ended.then(() => undefined),
  ]);
  if (line === undefined) {
    await stop();
    throw new Error('sever up ended before it was ready');
  }
  return { ready: JSON.parse(line), dataDir, pid: up.pid, stop };
}

/** Current pid of a process of the pipeline. */
export const pidOf = ({ dataDir }, name) =>
  JSON.parse(readFileSync(path.join(dataDir, 'run.json'), 'utf8')).processes.find(p => p.name === name).pid;

/** Changes settings of an instance and has its connector started anew. */
export async function pointInstance(pipeline, db, instance, settings) {
  await db.query('update instance set settings = settings || $2::jsonb where id = $1', [
    instance,
    JSON.stringify(settings),
  ]);
  const name = `connector-${instance}`;
  const before = pidOf(pipeline, name);
  process.kill(before, 'SIGTERM');
  const until = performance.now() + 60_000;
  while (pidOf(pipeline, name) === before) {
    if (performance.now() > until) throw new Error(`${name} was not started again`);
    await sleep(100);
  }
}
