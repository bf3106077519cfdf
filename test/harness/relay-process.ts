import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { freePort } from '@sever/embedded-postgres';

const root = path.resolve(import.meta.dirname, '../..');

/** A relay as a process of its own. */
export type RelayProcess = {
  child: ChildProcess;
  exited: Promise<NodeJS.Signals | null>;
  ready(): Promise<{ status: number; text: string }>;
  /** Value of a metric; NaN while nobody answers. */
  metric(name: string): Promise<number>;
  stop(): Promise<void>;
};

/** Starts the built relay; does not wait for anything. */
export async function startRelayProcess(env: Readonly<Record<string, string>>): Promise<RelayProcess> {
  const port = await freePort();
  const child = spawn(process.execPath, [path.join(root, 'apps/relay/dist/main.js')], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      SEVER_HTTP_PORT: String(port),
      SEVER_PARENT_FD: '3',
      SEVER_LOG_LEVEL: 'silent',
      ...env,
    },
  });
  const exited = once(child, 'exit').then(([, signal]) => signal as NodeJS.Signals | null);
  const get = async (what: string): Promise<{ status: number; text: string }> => {
    const answer = await fetch(`http://127.0.0.1:${port}/${what}`, { signal: AbortSignal.timeout(2_000) });
    return { status: answer.status, text: await answer.text() };
  };
  return {
    child,
    exited,
    ready: () => get('readyz').catch(() => ({ status: 0, text: '' })),
    metric: async name => {
      const { text } = await get('metrics').catch(() => ({ text: '' }));
      return Number(new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
    },
    stop: async () => {
      child.kill('SIGCONT');
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), 15_000);
      await exited;
      clearTimeout(force);
    },
  };
}
