import { createHash, randomBytes } from 'node:crypto';

/** A new bearer token with 256 random bits; only its hash is kept. */
export const newToken = (prefix: string): string => `sev_${prefix}_${randomBytes(32).toString('base64url')}`;

/**
 * SHA-256 of a token or client secret. A slow hash protects secrets that people choose; these are 256 random bits, which no one
 * tries out, and a plain hash can be looked up by an index on every request.
 */
export const tokenHash = (token: string): Buffer => createHash('sha256').update(token, 'utf8').digest();
