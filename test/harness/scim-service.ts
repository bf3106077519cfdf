import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { freePort } from '@sever/embedded-postgres';
import { call, eventually, type Reply } from './clients.js';

/** The bundled SCIM service as somebody else's system: a process of its own that the pipeline was not started with. */
export type ScimService = {
  baseUrl: string;
  token: string;
  addUser(userName: string): Promise<string>;
  user(id: string): Promise<Reply>;
  stop(): Promise<void>;
};

const root = path.resolve(import.meta.dirname, '../..');

export async function startScimService(dataDir: string): Promise<ScimService> {
  mkdirSync(dataDir, { recursive: true });
  const port = await freePort();
  const token = randomBytes(24).toString('base64url');
  const child = spawn(
    path.join(root, 'node_modules/node/bin/node'),
    [path.join(root, 'apps/sever/dist/sandbox/target-scim/main.js')],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        PATH: process.env.PATH,
        SEVER_TARGET_PORT: String(port),
        SEVER_TARGET_TOKEN: token,
        SEVER_TARGET_DATA: dataDir,
      },
    },
  );
  await eventually('the SCIM service', async () => (await fetch(`http://127.0.0.1:${port}/healthz`)).ok);
  const baseUrl = `http://127.0.0.1:${port}/scim/v2`;
  return {
    baseUrl,
    token,
    addUser: async userName => {
      const schemas = ['urn:ietf:params:scim:schemas:core:2.0:User'];
      const made = await call('POST', `${baseUrl}/Users`, token, { schemas, userName, active: true });
      return String(made.body.id);
    },
    user: id => call('GET', `${baseUrl}/Users/${id}`, token),
    stop: async () => {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}
