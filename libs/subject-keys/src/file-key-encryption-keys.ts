import { createCipheriv, createDecipheriv, createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SubjectKeyError } from './subject-key-error.js';

/** Wraps data keys under key-encryption keys that live outside the database. */
export interface KeyEncryptionKeys {
  /** Id of the key used for new data keys. */
  currentId(): string;
  wrap(dataKey: Buffer, context: string): { kekId: string; wrapped: Buffer };
  unwrap(wrapped: Buffer, kekId: string, context: string): Buffer;
}

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const FILE_PATTERN = /^kek-([0-9]{4,})\.key$/;

/**
 * Key-encryption keys as files of a folder (mode 0700, files 0600): `kek-0001.key`, the highest number is current.
 * Several processes may start on an empty folder at once: one of them makes the first key.
 * @throws SubjectKeyError `kek.missing` when the folder is not there; it is made by {@link makeKeyFolder} only.
 */
export function openKeyFolder(dir: string): KeyEncryptionKeys {
  const keys = new Map<string, KeyObject>();
  const load = (id: string): KeyObject => {
    const cached = keys.get(id);
    if (cached) return cached;
    const key = createSecretKey(readKey(dir, id));
    keys.set(id, key);
    return key;
  };
  const currentId = (): string => {
    const ids = keyIds(dir);
    const last = ids.at(-1);
    if (!last)
      throw new SubjectKeyError(
        'kek.missing',
        'no key-encryption key is in the keys folder; without it personal fields cannot be read: restore the folder from its backup',
      );
    return last;
  };
  const current = currentId();
  return {
    currentId: () => current,
    wrap: (dataKey, context) => ({ kekId: current, wrapped: wrapKey(load(current), dataKey, context) }),
    unwrap: (wrapped, kekId, context) => unwrapKey(load(kekId), wrapped, context),
  };
}

/** Makes the folder and its first key unless they exist. */
export function makeKeyFolder(dir: string): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  if (keyIds(dir).length > 0) return;
  const partial = path.join(dir, `.new-${process.pid}-${randomBytes(4).toString('hex')}`);
  writeFileSync(partial, randomBytes(KEY_BYTES), { mode: 0o600, flush: true });
  try {
    // link() refuses to replace: of several starts only one key wins.
    linkSync(partial, path.join(dir, 'kek-0001.key'));
  } catch (error) {
    if (keyIds(dir).length === 0) throw error;
  } finally {
    rmSync(partial, { force: true });
  }
}

function keyIds(dir: string): string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir)
    .map(name => FILE_PATTERN.exec(name)?.[1])
    .filter(id => id !== undefined)
    .sort((a, b) => Number(a) - Number(b));
}

function readKey(dir: string, id: string): Buffer {
  let key: Buffer;
  try {
    key = readFileSync(path.join(dir, `kek-${id}.key`));
  } catch (cause) {
    throw new SubjectKeyError(
      'kek.missing',
      `key-encryption key ${id} is not in the keys folder; restore it from its backup`,
      { cause },
    );
  }
  if (key.length !== KEY_BYTES)
    throw new SubjectKeyError('kek.unreadable', `key-encryption key ${id} has the wrong length`);
  return key;
}

function wrapKey(kek: KeyObject, dataKey: Buffer, context: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', kek, nonce);
  cipher.setAAD(Buffer.from(context, 'utf8'));
  return Buffer.concat([nonce, cipher.update(dataKey), cipher.final(), cipher.getAuthTag()]);
}

function unwrapKey(kek: KeyObject, wrapped: Buffer, context: string): Buffer {
  try {
    const decipher = createDecipheriv('aes-256-gcm', kek, wrapped.subarray(0, NONCE_BYTES));
    decipher.setAAD(Buffer.from(context, 'utf8'));
    decipher.setAuthTag(wrapped.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(wrapped.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch (cause) {
    throw new SubjectKeyError(
      'key.mismatch',
      `the data key ${context} was not wrapped with this key-encryption key`,
      { cause },
    );
  }
}
