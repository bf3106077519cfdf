import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { opened } from './resources.mjs';

/** Starts one of the small programs below this folder; `said` is its first line, JSON. */
export function startScript(file, env = {}) {
  const child = spawn(process.execPath, [new URL(file, import.meta.url).pathname], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  const said = new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', line => resolve(JSON.parse(line)));
    child.once('exit', code => reject(new Error(`${file} ended with ${code}`)));
  });
  said.catch(() => undefined);
  const stop = opened(() => Promise.resolve(child.kill('SIGTERM')));
  return { said, stop: () => void stop() };
}
