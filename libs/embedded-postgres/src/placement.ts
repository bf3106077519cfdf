import { chownSync, existsSync, lstatSync, mkdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { createHash } from 'node:crypto';
import path from 'node:path';
import type { ServiceUser } from './service-user.js';

/** Where clusters and binaries live when the server runs as another user than the one who starts it. */
export const sharedRoot = (): string => '/var/tmp/sever-postgres';

/**
 * The folder that holds a cluster. As root the server's user may not be able to enter the data folder's parents
 * (a home, a private temporary folder), so the cluster lives elsewhere and the data folder holds a link to it.
 */
export function clusterFolder(dataDir: string, user: ServiceUser | undefined): string {
  if (!user) {
    mkdirSync(path.dirname(dataDir), { recursive: true });
    return dataDir;
  }
  const linked = linkTarget(dataDir);
  if (linked) {
    makeOwned(linked, user);
    return linked;
  }
  const digest = createHash('sha256')
    .update(path.resolve(dataDir))
    .update(String(Date.now()))
    .digest('hex')
    .slice(0, 24);
  const dir = path.join(sharedRoot(), `cluster-${digest}`);
  makeOwned(dir, user);
  mkdirSync(path.dirname(dataDir), { recursive: true });
  symlinkSync(dir, dataDir);
  return dir;
}

function linkTarget(dataDir: string): string | undefined {
  const stat = lstatSync(dataDir, { throwIfNoEntry: false });
  return stat?.isSymbolicLink() ? readlinkSync(dataDir) : undefined;
}

function makeOwned(dir: string, user: ServiceUser): void {
  mkdirSync(sharedRoot(), { recursive: true, mode: 0o755 });
  if (!existsSync(dir)) mkdirSync(dir, { mode: 0o700 });
  chownSync(dir, user.uid, user.gid);
}
