import { createSecretKey, randomBytes } from 'node:crypto';
import type { EncryptedField } from '@sever/event-contracts';
import { binaryArray, type Statement } from '@sever/postgres';
import { commitmentOf, seal } from './envelope.js';
import type { KeyEncryptionKeys } from './file-key-encryption-keys.js';
import { DATA_KEY_BYTES, contextOf } from './subject-key-store.js';
import type { FieldBinding } from './subject-keys-port.js';

/** The first key of somebody new, made but not stored: what it encrypts must be committed together with it. */
export type NewSubjectKey = {
  tenant: string;
  subject: string;
  wrapped: Buffer;
  kekId: string;
  encrypt(field: FieldBinding, text: string): EncryptedField;
};

export function newSubjectKey(keks: KeyEncryptionKeys, tenant: string, subject: string): NewSubjectKey {
  const bytes = randomBytes(DATA_KEY_BYTES);
  const secret = createSecretKey(bytes);
  const key = { kid: `${subject}:1`, secret, commitment: commitmentOf(secret) };
  const encrypt = (field: FieldBinding, text: string): EncryptedField => seal(key, field, text);
  return { tenant, subject, ...keks.wrap(bytes, contextOf(tenant, subject, 1)), encrypt };
}

/** Stores the keys at the places `n` of the rows that `stored` names. */
export const subjectKeysOf = (stored: string, keys: readonly NewSubjectKey[]): Statement => ({
  sql: `insert into subject_key (tenant, subject, ver, wrapped_dek, kek_id)
    select u.tenant, u.subject, 1, u.wrapped, u.kek
      from unnest($1::text[], $2::uuid[], $3::bytea[], $4::text[]) with ordinality as u(tenant, subject, wrapped, kek, place)
      join ${stored} on ${stored}.n = u.place - 1`,
  parameters: [
    binaryArray('text', keys, k => k.tenant),
    binaryArray('uuid', keys, k => k.subject),
    binaryArray('bytea', keys, k => k.wrapped),
    binaryArray('text', keys, k => k.kekId),
  ],
});
