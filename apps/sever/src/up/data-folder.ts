import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { SeverError } from '../sever-error.js';
import { isSameProcess, startTimeOf } from './process-identity.js';

const lockSchema = z.object({ pid: z.number(), started: z.string() });

const PRIVATE = 0o700;
/** As root the databases run as a service user, who passes through to their folders and can list or read nothing else. */
const ENTERABLE = 0o711;

/** Everything Sever keeps. */
export class DataFolder {
  private constructor(readonly dir: string) {}

  /** @throws SeverError `data.in-use` while another `sever up` runs on it */
  static open(dir: string): DataFolder {
    const folder = new DataFolder(path.resolve(dir));
    mkdirSync(folder.dir, { recursive: true, mode: 0o700 });
    chmodSync(folder.dir, process.getuid?.() === 0 ? ENTERABLE : PRIVATE);
    for (const name of ['logs', 'secrets', 'target-scim', 'target-scim-globex'])
      mkdirSync(folder.file(name), { recursive: true, mode: 0o700 });
    folder.lock();
    return folder;
  }

  file(...names: string[]): string {
    return path.join(this.dir, ...names);
  }

  /** A secret that is made once and kept. */
  secret(name: string): string {
    const file = this.file('secrets', name);
    if (!existsSync(file)) writeAtomically(file, randomBytes(24).toString('base64url'));
    return readFileSync(file, 'utf8').trim();
  }

  /** Writes a secret that was made elsewhere. */
  keepSecret(name: string, value: string): string {
    const file = this.file('secrets', name);
    writeAtomically(file, value);
    return file;
  }

  unlock(): void {
    rmSync(this.file('up.lock'), { force: true });
  }

  private lock(): void {
    const file = this.file('up.lock');
    if (existsSync(file)) {
      const held = lockSchema.safeParse(JSON.parse(readFileSync(file, 'utf8') || '{}'));
      if (held.success && isSameProcess(held.data.pid, held.data.started))
        throw new SeverError(
          'data.in-use',
          `sever up runs on ${this.dir} already (pid ${held.data.pid}); stop it first, or choose another folder with --data`,
        );
    }
    writeAtomically(file, JSON.stringify({ pid: process.pid, started: startTimeOf(process.pid) ?? '' }));
  }
}

/** Readers see the old content or the new, never half of it. */
export function writeAtomically(file: string, content: string): void {
  const partial = `${file}.${process.pid}.new`;
  writeFileSync(partial, content, { mode: 0o600, flush: true });
  renameSync(partial, file);
}
