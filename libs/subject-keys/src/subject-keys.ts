import type { EncryptedField } from '@sever/event-contracts';
import type { Queryable } from '@sever/postgres';
import { seal, unseal, type DataKey } from './envelope.js';
import type { KeyEncryptionKeys } from './file-key-encryption-keys.js';
import { SubjectKeyError } from './subject-key-error.js';
import { findCurrentKeys, findKey, makeKey, type StoredKey } from './subject-key-store.js';
import type { FieldBinding, OpenedField, SubjectKeys } from './subject-keys-port.js';

/** Longest time a data key stays in memory: an erasure reaches every process within it. */
const CACHE_MS = 60_000;
const CACHE_KEYS_MAX = 20_000;

type Cached = { key: DataKey; until: number };

/** Subject keys over the table `subject_key`; wrapped keys are opened with `keks` and kept for at most a minute. */
export function createSubjectKeys(keks: KeyEncryptionKeys, now: () => number = Date.now): SubjectKeys {
  const cache = new Map<string, Cached>();
  const remember = (slot: string, stored: StoredKey): StoredKey => {
    // A key that this very transaction made may still be rolled back.
    if (stored.state === 'active' && stored.settled) {
      if (cache.size >= CACHE_KEYS_MAX) cache.clear();
      cache.set(slot, { key: stored.key, until: now() + CACHE_MS });
    }
    return stored;
  };
  const cached = (slot: string): StoredKey | undefined => {
    const hit = cache.get(slot);
    if (!hit || hit.until <= now()) {
      cache.delete(slot);
      return undefined;
    }
    return { state: 'active', key: hit.key, settled: true };
  };
  const currentKey = async (on: Queryable, { tenant, subject }: FieldBinding): Promise<DataKey> => {
    const slot = `${tenant}\n${subject}`;
    const known = cached(slot) ?? (await findKey(on, keks, tenant, subject));
    const stored = known ? remember(slot, known) : await makeKey(on, keks, tenant, subject);
    if (stored.state === 'destroyed')
      throw new SubjectKeyError(
        'key.missing',
        `the key of subject ${subject} was destroyed; nothing can be encrypted for it any more`,
      );
    return stored.key;
  };
  return {
    warm: async (on, people) => {
      const unknown = people.filter(({ tenant, subject }) => !cached(`${tenant}\n${subject}`));
      if (unknown.length === 0) return;
      for (const { tenant, subject, stored } of await findCurrentKeys(on, keks, unknown))
        remember(`${tenant}\n${subject}`, stored);
    },
    encrypt: async (on, field, text) => seal(await currentKey(on, field), field, text),
    open: async (on, field, envelope): Promise<OpenedField> => {
      const ver = versionOf(envelope, field);
      const slot = `${field.tenant}\n${field.subject}\n${ver}`;
      const stored = cached(slot) ?? (await findKey(on, keks, field.tenant, field.subject, ver));
      if (!stored)
        throw new SubjectKeyError(
          'key.missing',
          `no key ${envelope.kid} exists and nobody destroyed it on record: raise an incident`,
        );
      if (stored.state === 'destroyed') return { shredded: true, since: stored.since, classRef: 'subject' };
      remember(slot, stored);
      return { shredded: false, text: unseal(stored.key, field, envelope) };
    },
  };
}

function versionOf(envelope: EncryptedField, field: FieldBinding): number {
  const prefix = `${field.subject}:`;
  const ver = Number(envelope.kid.slice(prefix.length));
  if (!envelope.kid.startsWith(prefix) || !Number.isInteger(ver))
    throw new SubjectKeyError('key.mismatch', `the ciphertext of ${field.path} belongs to another subject`);
  return ver;
}
