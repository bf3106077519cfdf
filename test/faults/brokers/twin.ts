import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { freePort } from '@sever/embedded-postgres';
import { eventually } from '../../harness/clients.js';

const root = path.resolve(import.meta.dirname, '../../..');
const STOP_MS = 15_000;

/** A second process of an app, beside the one that `sever up` runs. */
export type Twin = {
  pid: number;
  /** Answers of its health endpoint. */
  isReady(): Promise<boolean>;
  metrics(): Promise<string>;
  stop(): Promise<void>;
};

/** Starts it with the settings of the one that runs; does not wait until it is ready. Needs /proc. */
export async function startTwin(app: string, pid: number): Promise<Twin> {
  const settings = readFileSync(`/proc/${pid}/environ`, 'utf8')
    .split('\0')
    .filter(Boolean)
    .map(line => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const);
  const port = await freePort();
  const child = spawn(
    path.join(root, 'node_modules/node/bin/node'),
    [path.join(root, 'apps', app, 'dist/main.js')],
    {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
      env: { ...Object.fromEntries(settings), SEVER_HTTP_PORT: String(port), SEVER_PARENT_FD: '3' },
    },
  );
  child.stdio[3]?.on('error', () => undefined);
  const exited = once(child, 'exit');
  const get = (what: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}/${what}`, { signal: AbortSignal.timeout(2_000) });
  return {
    pid: child.pid ?? 0,
    isReady: () =>
      get('readyz').then(
        reply => reply.ok,
        () => false,
      ),
    metrics: async () => (await get('metrics')).text(),
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
        await exited;
        clearTimeout(force);
      }
    },
  };
}

export const untilReady = (twin: Twin, what: string): Promise<unknown> =>
  eventually(`a second ${what}`, () => twin.isReady(), 120_000, 200);
