import { renameSync, writeFileSync } from 'node:fs';

/** Replaces a file that only its owner may read: readers see the old content or the new, never half of it. */
export function writeAtomically(file: string, content: string): void {
  const partial = `${file}.new`;
  writeFileSync(partial, content, { mode: 0o600, flush: true });
  renameSync(partial, file);
}
