import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { freePort } from '@sever/embedded-postgres';
import { eventually } from './clients.js';

const root = path.resolve(import.meta.dirname, '../..');

/** An ingress as a process of its own. */
export type IngressProcess = {
  child: ChildProcess;
  /** Address of its doors. */
  origin: string;
  exited: Promise<NodeJS.Signals | null>;
};

/** Starts the built ingress and waits until it answers. */
export async function startIngressProcess(o: {
  databaseUrl: string;
  keysDir: string;
}): Promise<IngressProcess> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const child = spawn(process.execPath, [path.join(root, 'apps/scim-ingress/dist/main.js')], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    env: {
      ...{ PATH: process.env['PATH'], DATABASE_URL: o.databaseUrl, SEVER_KEYS_DIR: o.keysDir },
      ...{
        SEVER_HTTP_PORT: String(port),
        SEVER_PUBLIC_URL: origin,
        SEVER_RATE_LIMIT: 'off',
        SEVER_GOVERNOR: 'off',
      },
      ...{ SEVER_LOG_LEVEL: 'silent', SEVER_PARENT_FD: '3' },
    },
  });
  const exited = once(child, 'exit').then(([, signal]) => signal as NodeJS.Signals | null);
  await eventually('the ingress answers', async () =>
    fetch(`${origin}/healthz`).then(
      answer => answer.ok,
      () => false,
    ),
  );
  return { child, origin, exited };
}
