import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { clusterFolder, sharedRoot } from './placement.js';
import { serviceUser } from './service-user.js';

describe('a cluster', () => {
  const user = serviceUser();
  let parent: string;
  beforeEach(() => {
    parent = mkdtempSync(path.join(tmpdir(), 'sever-placement-'));
  });
  afterEach(() => rmSync(parent, { recursive: true, force: true }));

  it("lives in the data folder when the server's user can enter it", () => {
    chmodSync(parent, 0o711);
    const dataDir = path.join(parent, 'pg');
    expect(clusterFolder(dataDir, user)).toBe(dataDir);
    if (user) expect(lstatSync(dataDir).uid).toBe(user.uid);
  });

  it('lives elsewhere, linked, when a parent is closed to that user, and is found again', () => {
    chmodSync(parent, 0o700);
    const dataDir = path.join(parent, 'pg');
    const dir = clusterFolder(dataDir, user);
    // An ordinary user is the server's user and may enter what is its own.
    expect(dir.startsWith(user ? sharedRoot() : parent)).toBe(true);
    expect(clusterFolder(dataDir, user)).toBe(dir);
    if (user) {
      expect(realpathSync(dataDir)).toBe(dir);
      rmSync(dir, { recursive: true });
    }
  });

  it('that is gone from where its link leads is not replaced by an empty one', () => {
    const gone = path.join(parent, 'gone');
    mkdirSync(gone);
    symlinkSync(gone, path.join(parent, 'pg'));
    rmSync(gone, { recursive: true });
    const missing = expect.objectContaining({ code: 'postgres.cluster-missing' });
    expect(() => clusterFolder(path.join(parent, 'pg'), user)).toThrow(missing as unknown as Error);
  });
});
