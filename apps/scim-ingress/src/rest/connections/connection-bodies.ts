import { durationSeconds } from '@sever/config';
import { REBIND_DECISIONS, REBIND_POLICIES } from '@sever/directory';
import { z } from 'zod';
import { SIGNATURE_ALGORITHMS } from '../../oauth/signature-algorithms.js';

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);
const PRIVATE_MEMBERS = ['d', 'k', 'p', 'q', 'dp', 'dq', 'qi'];

const name = z
  .string()
  .min(1)
  .max(1_024)
  .refine(text => text.isWellFormed() && !text.includes('\0'), 'must be valid text');

/** Where keys are fetched from: over TLS, or from this machine. */
const keysUrl = z
  .url()
  .max(2_048)
  .refine(text => {
    const { protocol, hostname } = new URL(text);
    return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.has(hostname));
  }, 'must be an https address');

/** Public keys; a private or symmetric one has no business here. */
const keySet = z.looseObject({
  keys: z
    .array(
      z
        .looseObject({ kty: z.enum(['RSA', 'EC', 'OKP']) })
        .refine(key => PRIVATE_MEMBERS.every(member => !(member in key)), 'must be public keys'),
    )
    .min(1)
    .max(20),
});

const positive = durationSeconds.refine(seconds => seconds >= 1, 'must be a second or more');

const rebind = z.enum(REBIND_POLICIES);

/** Why an operator decided so; kept in the directory. */
const reason = z
  .string()
  .min(1)
  .max(4_000)
  .refine(text => text.isWellFormed() && !text.includes('\0'), 'must be valid text');

export const connectionBodySchema = z.strictObject({
  tenant: name,
  dialect: name,
  id: name.optional(),
  bind: z.array(name).optional(),
  rateLimit: z.union([z.number().int().positive(), z.literal('off')]).optional(),
  rebind: rebind.optional(),
  oauth: z.boolean().optional(),
  expiresIn: positive.optional(),
});

/** What may be changed of a connection. */
export const changeBodySchema = z.strictObject({ rebind });

/** Whether somebody who is to be created is the inactive user with that name. */
export const rebindBodySchema = z.strictObject({ decision: z.enum(REBIND_DECISIONS), reason });

/** `overlap`: how long the tokens that were there live on; `now` ends them at once. */
export const rotateBodySchema = z
  .strictObject({
    overlap: durationSeconds.optional(),
    now: z.boolean().optional(),
    expiresIn: positive.optional(),
  })
  .refine(body => !(body.now && body.overlap !== undefined), 'now and overlap exclude each other');

/** A client with a secret, unless it brings keys. */
export const clientBodySchema = z
  .strictObject({ jwks: keySet.optional(), jwksUrl: keysUrl.optional() })
  .refine(body => !(body.jwks && body.jwksUrl), 'give jwks or jwksUrl, not both');

/**
 * An issuer whose JWTs open the connection. At least one claim is pinned: issuer and audience alone would let in whatever the
 * issuer says to anybody.
 */
export const issuerBodySchema = z
  .strictObject({
    issuer: name,
    audiences: z.array(name).min(1).max(10),
    claims: z
      .record(name, z.string().min(1).max(1_024))
      .refine(claims => Object.keys(claims).length > 0, 'pin at least one claim, for instance tid or sub'),
    algorithms: z.array(z.enum(SIGNATURE_ALGORITHMS)).min(1).default(['RS256']),
    jwks: keySet.optional(),
    jwksUrl: keysUrl.optional(),
  })
  .refine(body => Boolean(body.jwks) !== Boolean(body.jwksUrl), 'give jwks or jwksUrl');

/** `people`: what becomes of those who are still active through the connection. */
export const retireBodySchema = z.strictObject({
  reason,
  people: z.enum(['keep', 'opt-out']).optional(),
});
