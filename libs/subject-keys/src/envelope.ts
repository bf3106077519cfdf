import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  randomBytes,
  timingSafeEqual,
  type KeyObject,
} from 'node:crypto';
import { canonicalJson, type EncryptedField } from '@sever/event-contracts';
import type { FieldBinding } from './subject-keys-port.js';
import { SubjectKeyError } from './subject-key-error.js';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const LENGTH_BYTES = 2;
const PADDING_BYTES = 64;
const TEXT_BYTES_MAX = 0xffff;
const SCHEMA_VERSION = 1;

/** A data key in the clear, in memory only; as a key object, since Node takes five times as long with plain bytes. */
export type DataKey = { kid: string; secret: KeyObject; commitment: Buffer };

/** HMAC over a fixed text: names one key and no other, since GCM alone does not commit to its key. */
export const commitmentOf = (secret: KeyObject): Buffer =>
  createHmac('sha256', secret).update('commit:v1').digest();

/** Binds the ciphertext to its place: moved to another event, field, subject or tenant it does not open. */
const additionalData = (field: FieldBinding): Buffer =>
  Buffer.from(
    canonicalJson({
      tenant: field.tenant,
      subject: field.subject,
      eventId: field.eventId,
      fieldPath: field.path,
      schemaVersion: SCHEMA_VERSION,
    }),
    'utf8',
  );

/** Length prefix, text, zeros: the ciphertext tells the length of a name only to the next 64 bytes. */
function pad(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length > TEXT_BYTES_MAX)
    throw new SubjectKeyError(
      'key.too-long',
      `a personal field has at most ${TEXT_BYTES_MAX} bytes, this one has ${bytes.length}`,
    );
  const size = Math.ceil((LENGTH_BYTES + bytes.length) / PADDING_BYTES) * PADDING_BYTES;
  const padded = Buffer.alloc(size);
  padded.writeUInt16BE(bytes.length, 0);
  bytes.copy(padded, LENGTH_BYTES);
  return padded;
}

const unpad = (padded: Buffer): string =>
  padded.toString('utf8', LENGTH_BYTES, LENGTH_BYTES + padded.readUInt16BE(0));

/** Seals a text for one place under a subject's key. */
export function seal(key: DataKey, field: FieldBinding, text: string): EncryptedField {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key.secret, nonce);
  cipher.setAAD(additionalData(field));
  const sealed = Buffer.concat([cipher.update(pad(text)), cipher.final(), cipher.getAuthTag()]);
  return {
    alg: 'A256GCM',
    kid: key.kid,
    n: nonce.toString('base64url'),
    kc: key.commitment.toString('base64url'),
    ct: sealed.toString('base64url'),
  };
}

/** Opens what {@link seal} made. The key commitment is checked before anything is decrypted. */
export function unseal(key: DataKey, field: FieldBinding, envelope: EncryptedField): string {
  const commitment = Buffer.from(envelope.kc, 'base64url');
  if (commitment.length !== key.commitment.length || !timingSafeEqual(commitment, key.commitment))
    throw new SubjectKeyError(
      'key.mismatch',
      `the ciphertext of ${field.path} was not made with key ${key.kid}`,
    );
  const sealed = Buffer.from(envelope.ct, 'base64url');
  try {
    const decipher = createDecipheriv('aes-256-gcm', key.secret, Buffer.from(envelope.n, 'base64url'));
    decipher.setAAD(additionalData(field));
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    return unpad(Buffer.concat([decipher.update(sealed.subarray(0, -TAG_BYTES)), decipher.final()]));
  } catch (cause) {
    throw new SubjectKeyError(
      'key.mismatch',
      `the ciphertext of ${field.path} does not belong to event ${field.eventId}`,
      { cause },
    );
  }
}
