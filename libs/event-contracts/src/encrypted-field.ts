import { z } from 'zod';

/**
 * Envelope of a personal field: AES-256-GCM ciphertext under the subject's key, padded and key-committing.
 * `kid` is `<subject>:<version>`, `n` the 96-bit nonce, `kc` HMAC-SHA256(DEK, "commit:v1"), `ct` ciphertext and tag, all base64url.
 */
export const encryptedFieldSchema = z.strictObject({
  alg: z.literal('A256GCM'),
  kid: z.string().min(1),
  n: z.string().min(1),
  kc: z.string().min(1),
  ct: z.string().min(1),
});
export type EncryptedField = z.infer<typeof encryptedFieldSchema>;

/** Paths of personal fields inside events: part of what the ciphertext is bound to. */
export const FIELD_PATHS = {
  identifiers: 'data.identifiers',
  reason: 'data.reason',
  accountRef: 'data.accountRef',
  bindingWaiverReason: (instance: string, step: string): string =>
    `data.instances.${instance}.waivers.${step}.reason`,
  snapshot: (instance: string, step: string): string => `snapshot.${instance}.${step}`,
} as const;
