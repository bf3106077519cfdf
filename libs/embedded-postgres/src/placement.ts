import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, lstatSync, mkdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { EmbeddedPostgresError } from './embedded-postgres-error.js';
import type { ServiceUser } from './service-user.js';

/** Where clusters and binaries live when the server runs as a user who cannot reach them where they are. */
export const sharedRoot = (): string => '/var/tmp/sever-postgres';

/**
 * The folder that holds a cluster: the given one, if the server's user can enter its parents. As root they may be closed to
 * that user (a home, a private temporary folder); then the cluster lives elsewhere and `dataDir` is a link to it.
 * @throws EmbeddedPostgresError `postgres.cluster-missing` when the link leads nowhere: an empty cluster in its place would look
 * like a log without events
 */
export function clusterFolder(dataDir: string, user: ServiceUser | undefined): string {
  const linked = linkTarget(dataDir);
  if (linked !== undefined) return existing(linked, dataDir);
  mkdirSync(path.dirname(dataDir), { recursive: true });
  if (!user) return dataDir;
  if (existsSync(dataDir) || canEnter(path.dirname(dataDir), user)) return owned(dataDir, user);
  mkdirSync(sharedRoot(), { recursive: true, mode: 0o755 });
  const dir = owned(path.join(sharedRoot(), `cluster-${nameOf(dataDir)}`), user);
  symlinkSync(dir, dataDir);
  return dir;
}

function existing(linked: string, dataDir: string): string {
  if (existsSync(linked)) return linked;
  throw new EmbeddedPostgresError(
    'postgres.cluster-missing',
    `${dataDir} is a link to ${linked}, which is gone; bring that folder back, or start on another data folder`,
  );
}

function linkTarget(dataDir: string): string | undefined {
  const stat = lstatSync(dataDir, { throwIfNoEntry: false });
  return stat?.isSymbolicLink() ? readlinkSync(dataDir) : undefined;
}

const nameOf = (dataDir: string): string =>
  createHash('sha256').update(path.resolve(dataDir)).update(String(Date.now())).digest('hex').slice(0, 24);

/** Asked of the system as that user: modes, groups and access lists all have a say. */
const canEnter = (dir: string, user: ServiceUser): boolean =>
  spawnSync('test', ['-x', dir], { uid: user.uid, gid: user.gid, cwd: '/' }).status === 0;

function owned(dir: string, user: ServiceUser): string {
  if (!existsSync(dir)) mkdirSync(dir, { mode: 0o700 });
  chownSync(dir, user.uid, user.gid);
  return dir;
}
