import type { EncryptedField } from '@sever/event-contracts';
import type { Queryable } from '@sever/postgres';

/** What a ciphertext is bound to: it opens nowhere else. */
export type FieldBinding = { tenant: string; subject: string; eventId: string; path: string };

/** A personal field as a reader finds it: in the clear, or unreadable since its subject's key was destroyed. */
export type OpenedField =
  { shredded: false; text: string } | { shredded: true; since: string; classRef: 'subject' };

/** Encrypts and opens personal fields under keys of their subject. */
export interface SubjectKeys {
  /** Encrypts under the subject's current key; makes the key first when there is none, in the given transaction. */
  encrypt(on: Queryable, field: FieldBinding, text: string): Promise<EncryptedField>;
  /** Has the current keys of people at hand, as far as they have any, so that what is encrypted for them next asks nobody. */
  warm(on: Queryable, people: readonly Pick<FieldBinding, 'tenant' | 'subject'>[]): Promise<void>;
  /**
   * Opens a field.
   * @throws SubjectKeyError `key.missing` (no key and no record of its destruction: an alarm), `key.mismatch` (moved or forged ciphertext)
   */
  open(on: Queryable, field: FieldBinding, envelope: EncryptedField): Promise<OpenedField>;
}
