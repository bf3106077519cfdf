import { createHash, randomBytes } from 'node:crypto';

/** A new bearer token with 256 random bits; only its hash is kept. */
export const newToken = (prefix: string): string => `sev_${prefix}_${randomBytes(32).toString('base64url')}`;

/** SHA-256 of a token: enough for a high-entropy secret, and comparable by an index. */
export const tokenHash = (token: string): Buffer => createHash('sha256').update(token, 'utf8').digest();
