import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Binaries } from './binaries.js';
import { EmbeddedPostgresError } from './embedded-postgres-error.js';
import type { ServiceUser } from './service-user.js';

export type ClusterOptions = { superuser: string; password: string };

/**
 * Initialises a cluster unless there is one already.
 * @throws EmbeddedPostgresError `postgres.init-failed`, or `postgres.version-mismatch` for a folder of another major version.
 */
export function ensureCluster(
  dir: string,
  binaries: Binaries,
  user: ServiceUser | undefined,
  o: ClusterOptions,
): void {
  const versionFile = path.join(dir, 'PG_VERSION');
  if (existsSync(versionFile)) return checkVersion(readFileSync(versionFile, 'utf8').trim(), binaries, dir);
  // A start that was killed while initialising leaves a folder without PG_VERSION, which initdb would refuse.
  if (existsSync(dir) && !user) rmSync(dir, { recursive: true, force: true });
  if (user) emptyFolder(dir, user);
  const secret = passwordFile(o.password, user);
  try {
    const run = spawnSync(
      path.join(binaries.dir, 'bin', 'initdb'),
      [
        '-D',
        dir,
        '-U',
        o.superuser,
        '--pwfile',
        secret.file,
        '--auth=scram-sha-256',
        '--locale=C.UTF-8',
        '--encoding=UTF8',
      ],
      { encoding: 'utf8', cwd: '/', ...(user && { uid: user.uid, gid: user.gid }) },
    );
    if (run.status !== 0)
      throw new EmbeddedPostgresError(
        'postgres.init-failed',
        `initdb failed in ${dir}: ${(run.stderr || String(run.error)).trim()}`,
      );
  } finally {
    rmSync(secret.dir, { recursive: true, force: true });
  }
}

function checkVersion(found: string, binaries: Binaries, dir: string): void {
  const ours = binaries.version.split('.')[0] ?? '';
  if (found === ours) return;
  const direction = Number(found) > Number(ours) ? 'newer' : 'older';
  throw new EmbeddedPostgresError(
    'postgres.version-mismatch',
    `${dir} was written by PostgreSQL ${found}, which is ${direction} than the ${ours} of this version of Sever; ` +
      (direction === 'newer'
        ? 'use the newer Sever'
        : 'dump it with its own version and load it into a new folder, or point --data elsewhere'),
  );
}

function emptyFolder(dir: string, user: ServiceUser): void {
  const run = spawnSync('find', [dir, '-mindepth', '1', '-delete'], {
    uid: user.uid,
    gid: user.gid,
    cwd: '/',
  });
  if (run.status !== 0)
    throw new EmbeddedPostgresError('postgres.init-failed', `${dir} cannot be emptied for a new cluster`);
}

function passwordFile(password: string, user: ServiceUser | undefined): { dir: string; file: string } {
  const dir = mkdtempSync(path.join(tmpdir(), 'sever-init-'));
  const file = path.join(dir, 'password');
  writeFileSync(file, `${password}\n`, { mode: 0o600 });
  if (user) {
    chownSync(dir, user.uid, user.gid);
    chownSync(file, user.uid, user.gid);
  }
  return { dir, file };
}
