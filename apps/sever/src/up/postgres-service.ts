import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { startPostgres } from '@sever/embedded-postgres';
import type { Service } from './supervised.js';

export type PostgresServiceOptions = {
  name: string;
  dataDir: string;
  port: number;
  superuser: string;
  password: string;
  logFile: string;
  settings: Readonly<Record<string, string>>;
};

/** Seconds that the processes above the database get to drain when `sever up` was killed. */
const ORPHAN_GRACE_SECONDS = 9;

/** An embedded PostgreSQL server; a watcher ends it when we die, since it knows nothing of pipes. */
export const postgresService = (o: PostgresServiceOptions): Service => ({
  name: o.name,
  start: async () => {
    const server = await startPostgres({
      dataDir: o.dataDir,
      port: o.port,
      superuser: o.superuser,
      password: o.password,
      settings: o.settings,
      onLog: line => appendFileSync(o.logFile, `${line}\n`, { mode: 0o600 }),
    });
    const stopWatcher = endWhenOrphaned(server.pid);
    void server.exited.then(stopWatcher);
    return { pid: server.pid, exited: server.exited, stop: () => server.stop('fast') };
  },
});

/** A shell that reads a pipe nobody writes to: its end means that we are gone. */
function endWhenOrphaned(pid: number): () => void {
  const watcher = spawn(
    '/bin/sh',
    ['-c', `read _; sleep ${ORPHAN_GRACE_SECONDS}; kill -INT ${pid} 2>/dev/null`],
    {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    },
  );
  watcher.on('error', () => undefined);
  watcher.stdin?.on('error', () => undefined);
  return () => {
    watcher.kill('SIGKILL');
  };
}
