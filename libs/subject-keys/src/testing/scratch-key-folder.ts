import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makeKeyFolder } from '../file-key-encryption-keys.js';

/** A keys folder with one key that disappears with `dispose()`. */
export function scratchKeyFolder(): { dir: string; dispose(): void } {
  const dir = mkdtempSync(path.join(tmpdir(), 'sever-keys-'));
  makeKeyFolder(dir);
  return { dir, dispose: () => rmSync(dir, { recursive: true, force: true }) };
}
