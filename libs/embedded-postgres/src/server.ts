import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { findBinaries } from './binaries.js';
import { ensureCluster } from './cluster.js';
import { EmbeddedPostgresError } from './embedded-postgres-error.js';
import { clusterFolder } from './placement.js';
import { serviceUser } from './service-user.js';

export type ServerOptions = {
  /** Folder of the cluster; under root a link to where the cluster really is. */
  dataDir: string;
  port: number;
  superuser: string;
  password: string;
  /** Server settings, for example `{ max_wal_size: '2GB' }`. */
  settings?: Readonly<Record<string, string>>;
  onLog?: (line: string) => void;
  /** Longest wait for the server to accept connections, in milliseconds. Recovery after a crash may take long. */
  startTimeoutMs?: number;
};

export type StopMode = 'fast' | 'immediate';

/** A running PostgreSQL server. `pid` is the postmaster's. */
export type PostgresServer = {
  pid: number;
  port: number;
  /** Address of the maintenance database as the superuser. Holds the password. */
  url: string;
  stop(mode?: StopMode): Promise<void>;
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
};

const LOG_LINES_KEPT = 40;
const SIGNALS: Record<StopMode, NodeJS.Signals> = { fast: 'SIGINT', immediate: 'SIGQUIT' };

/**
 * Starts a PostgreSQL server on 127.0.0.1 in a process group of its own and waits until it answers a query.
 * A server left behind on the same folder by a killed parent is stopped first.
 * @throws EmbeddedPostgresError with the server's last log lines.
 */
export async function startPostgres(o: ServerOptions): Promise<PostgresServer> {
  const user = serviceUser();
  const binaries = findBinaries(user);
  const dir = clusterFolder(o.dataDir, user);
  ensureCluster(dir, binaries, user, { superuser: o.superuser, password: o.password });
  await stopLeftover(dir);
  const child = spawn(path.join(binaries.dir, 'bin', 'postgres'), ['-D', dir, ...settingFlags(o)], {
    cwd: '/',
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(user && { uid: user.uid, gid: user.gid }),
  });
  const server = handle(child, o);
  await waitUntilReady(server, child, o);
  return server;
}

function settingFlags(o: ServerOptions): string[] {
  const settings: Record<string, string> = {
    port: String(o.port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    ...o.settings,
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

function handle(child: ChildProcess, o: ServerOptions): PostgresServer & { log: string[] } {
  const log: string[] = [];
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    for (const line of chunk.split('\n').filter(Boolean)) {
      log.push(line);
      if (log.length > LOG_LINES_KEPT) log.shift();
      o.onLog?.(line);
    }
  });
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>(resolve => {
    child.once('error', error => log.push(error.message));
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  return {
    pid: child.pid ?? 0,
    port: o.port,
    url: `postgres://${o.superuser}:${encodeURIComponent(o.password)}@127.0.0.1:${o.port}/postgres`,
    log,
    exited,
    stop: async (mode = 'fast') => {
      if (child.exitCode === null && child.signalCode === null) child.kill(SIGNALS[mode]);
      await exited;
    },
  };
}

async function waitUntilReady(
  server: PostgresServer & { log: string[] },
  child: ChildProcess,
  o: ServerOptions,
): Promise<void> {
  const deadline = Date.now() + (o.startTimeoutMs ?? 120_000);
  while (Date.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null || !child.pid)
      throw new EmbeddedPostgresError(
        'postgres.start-failed',
        `PostgreSQL ended while starting:\n${server.log.join('\n')}`,
      );
    if (await answers(server.url)) return;
    await sleep(50);
  }
  await server.stop('immediate');
  throw new EmbeddedPostgresError(
    'postgres.start-failed',
    `PostgreSQL did not accept connections in time:\n${server.log.join('\n')}`,
  );
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Stops a postmaster that still runs on this folder (its parent was killed). Its pid file names it. */
async function stopLeftover(dir: string): Promise<void> {
  const file = path.join(dir, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  if (!isPostmasterOf(pid, dir)) return;
  process.kill(pid, 'SIGINT');
  const deadline = Date.now() + 20_000;
  while (Date.now() < deadline && isPostmasterOf(pid, dir)) await sleep(50);
  if (isPostmasterOf(pid, dir)) process.kill(pid, 'SIGQUIT');
  while (isPostmasterOf(pid, dir)) await sleep(50);
}

function isPostmasterOf(pid: number, dir: string): boolean {
  if (!Number.isInteger(pid) || pid <= 1) return false;
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // A recycled pid belongs to some other program: on Linux the command line tells.
  if (!existsSync('/proc/self/cmdline')) return true;
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(dir);
  } catch {
    return false;
  }
}
