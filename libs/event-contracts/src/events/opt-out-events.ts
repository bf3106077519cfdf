import { z } from 'zod';
import { encryptedFieldSchema } from '../encrypted-field.js';
import { instantSchema, stepSchema } from '../words.js';
import {
  askerSchema,
  boundInstanceSchema,
  doorSchema,
  factShape,
  guardSchema,
  holdPolicySchema,
} from './request-data.js';

/** Names of all attributes that a write changed, told where it changed the person's identifiers too. */
const attributesBesides = z.array(z.string()).optional();
/** The identifiers after a write that changed them beside `active`; both are absent otherwise. */
const changedIdentifiersShape = {
  identifiers: encryptedFieldSchema.optional(),
  attributes: attributesBesides,
};

const operatorShape = { ...factShape, door: doorSchema, reason: encryptedFieldSchema.nullable() };

/** What connectors need to know to cut somebody, as it is at the time of the event. */
const cutShape = {
  identifiers: encryptedFieldSchema,
  instances: z.array(boundInstanceSchema),
  nothingBound: z.boolean(),
  hold: holdPolicySchema,
  /** Seconds from the event until each cut step must be verified. */
  cutDeadlineSeconds: z.number().int().positive(),
};
const requestShape = {
  ...operatorShape,
  ...cutShape,
  attributes: attributesBesides,
  asker: askerSchema,
  resourceRemoved: z.boolean(),
};

/** What people, identity providers and operators ask for. Written by the ingress. */
export const optOutEvents = {
  'sever.optout.requested.v1': z.strictObject(requestShape),
  /** Accepted, and held by the governor until an operator approves or rejects it: nothing for connectors yet. */
  'sever.optout.staged.v1': z.strictObject({ ...requestShape, guard: guardSchema }),
  /** An operator lets a staged opt-out go on: the command for the cut. */
  'sever.optout.approved.v1': z.strictObject({ ...operatorShape, ...cutShape }),
  /** An operator ends a staged opt-out; nothing was taken from anybody. */
  'sever.optout.rejected.v1': z.strictObject(operatorShape),
  /** A further request for a standing opt-out: one more asker, nothing restarts. */
  'sever.optout.repeated.v1': z.strictObject({
    ...operatorShape,
    ...changedIdentifiersShape,
    asker: askerSchema,
    resourceRemoved: z.boolean(),
  }),
  /** The last asker withdrew, or an operator overrode all. The coordinator decides whether it is still possible. */
  'sever.optout.restore-requested.v1': z.strictObject({
    ...operatorShape,
    ...changedIdentifiersShape,
    asker: askerSchema,
    overridesAskers: z.boolean(),
  }),
  'sever.optout.restore-refused.v1': z.strictObject({
    ...operatorShape,
    ...changedIdentifiersShape,
    asker: askerSchema,
    cause: z.enum(['not-an-asker', 'others-still-ask', 'purge-started']),
    /** True when the asker's own wish was taken back although others still ask. */
    withdrawn: z.boolean(),
  }),
  /** `active=true` or a new POST during or after the purge: the person may come back, nothing is restored. */
  'sever.optout.rehired-after-purge.v1': z.strictObject({
    ...operatorShape,
    ...changedIdentifiersShape,
    connection: z.string(),
    resource: z.string(),
  }),
  'sever.optout.retry-requested.v1': z.strictObject({
    ...operatorShape,
    instance: z.string().nullable(),
    step: stepSchema.nullable(),
  }),
  'sever.optout.waived.v1': z.strictObject({
    ...operatorShape,
    instance: z.string(),
    /** Null waives every step of the instance that is not verified. */
    step: stepSchema.nullable(),
    owner: z.string().min(1),
    expiresAt: instantSchema.nullable(),
  }),
  'sever.optout.hold-placed.v1': z.strictObject(operatorShape),
  'sever.optout.hold-released.v1': z.strictObject(operatorShape),
};
