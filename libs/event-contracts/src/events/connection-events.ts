import { z } from 'zod';
import { instantSchema } from '../words.js';
import { factShape } from './request-data.js';

/** What opens a connection: a token made by hand, a client of the token endpoint, or an issuer whose JWTs are trusted. */
export const credentialKindSchema = z.enum(['token', 'client', 'issuer']);

const connectionShape = { ...factShape, connection: z.string().min(1) };
/** `id` names the credential (row of the token, client id, issuer) and never opens anything. */
const credentialShape = { ...connectionShape, credential: credentialKindSchema, id: z.string().min(1) };

/**
 * The life of an identity provider's tie to a tenant: who could ask, since when, and by whose decision. Subject `-`, outside every digest.
 * No secret and no free text: the reason of a retirement or a decision stays in the directory, since there is no person under whose key it could be kept.
 */
export const connectionEvents = {
  'sever.connection.created.v1': z.strictObject({
    ...connectionShape,
    dialect: z.string().min(1),
    /** Instances that the tenant was bound to with it. */
    instances: z.array(z.string()),
  }),
  /** Who decides whether an inactive namesake of somebody new is the same person; without it `externalId` does. */
  'sever.connection.changed.v1': z.strictObject({
    ...connectionShape,
    rebind: z.enum(['externalId', 'manual', 'never']),
  }),
  /**
   * From when on the governor holds the opt-outs of this connection, or with null of everybody in the tenant who has no limits of their own. A
   * limit is null where the default counts.
   */
  'sever.connection.governor-changed.v1': z.strictObject({
    ...factShape,
    connection: z.string().min(1).nullable(),
    windowSeconds: z.number().int().positive().nullable(),
    maxOptOuts: z.number().int().nonnegative().nullable(),
    percent: z.number().int().min(0).max(100).nullable(),
  }),
  /** An operator says whether the one who is to be created is the inactive user `resource`; the next request is answered by it. */
  'sever.connection.rebind-decided.v1': z.strictObject({
    ...connectionShape,
    resource: z.string().min(1),
    decision: z.enum(['same-person', 'another-person']),
  }),
  'sever.connection.credential-added.v1': z.strictObject({
    ...credentialShape,
    expiresAt: instantSchema.nullable(),
    /** A rotation ends the tokens that were there: until when the longest-lived of them lasts; null when none does. */
    formerUntil: instantSchema.nullable(),
  }),
  'sever.connection.credential-removed.v1': z.strictObject(credentialShape),
  /** `people` is what was decided for those who were active through it, `activePeople` how many they were. */
  'sever.connection.retired.v1': z.strictObject({
    ...connectionShape,
    people: z.enum(['nobody', 'keep', 'opt-out']),
    activePeople: z.number().int().nonnegative(),
  }),
};
