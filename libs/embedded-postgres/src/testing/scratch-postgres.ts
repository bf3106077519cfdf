import { randomBytes } from 'node:crypto';
import { lstatSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '../free-port.js';
import { startPostgres, type PostgresServer } from '../server.js';

/** A PostgreSQL server in a new folder that disappears with `dispose()`. Durable as in production unless `settings` say otherwise. */
export async function startScratchPostgres(
  settings: Readonly<Record<string, string>> = {},
): Promise<PostgresServer & { password: string; dispose(): Promise<void> }> {
  const folder = mkdtempSync(path.join(tmpdir(), 'sever-scratch-'));
  const dataDir = path.join(folder, 'pg');
  const password = randomBytes(12).toString('hex');
  const server = await startPostgres({
    dataDir,
    port: await freePort(),
    superuser: 'sever_owner',
    password,
    settings,
  });
  return {
    ...server,
    password,
    dispose: async () => {
      await server.stop('immediate');
      if (lstatSync(dataDir).isSymbolicLink())
        rmSync(realpathSync(dataDir), { recursive: true, force: true });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
