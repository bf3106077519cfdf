import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

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
  const stop = async () => {
    up.kill('SIGTERM');
    await ended;
    rmSync(dataDir, { recursive: true, force: true });
  };
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
