import { z } from 'zod';
import { instantSchema, stepSchema } from '../words.js';
import { factShape } from './request-data.js';

const instances = z.array(z.string().min(1));

/** Decisions of the coordinator; the `*-started` events are the commands that connectors follow. */
export const coordinationEvents = {
  'sever.optout.cut.v1': z.strictObject({
    ...factShape,
    cutAt: instantSchema,
    residualAccessUntil: instantSchema.nullable(),
    waived: z.array(z.strictObject({ instance: z.string(), step: stepSchema })),
    noAccount: instances,
  }),
  'sever.optout.held.v1': z.strictObject({ ...factShape, purgeAfter: instantSchema }),
  'sever.optout.purge-started.v1': z.strictObject({ ...factShape, instances }),
  'sever.optout.closed.v1': z.strictObject({
    ...factShape,
    closedAt: instantSchema,
    outcome: z.enum(['purged', 'cut-only', 'nothing-bound']),
  }),
  'sever.optout.restore-started.v1': z.strictObject({ ...factShape, instances }),
  'sever.optout.restored.v1': z.strictObject({ ...factShape, restoredAt: instantSchema }),
  'sever.optout.attention-raised.v1': z.strictObject({
    ...factShape,
    code: z.string().min(1),
    instance: z.string().nullable(),
    step: stepSchema.nullable(),
    /** What a person has to do next, one sentence without personal data. */
    nextAction: z.string().min(1),
  }),
  'sever.optout.attention-cleared.v1': z.strictObject({
    ...factShape,
    code: z.string().min(1),
    instance: z.string().nullable(),
    step: stepSchema.nullable(),
  }),
  'sever.optout.deadline-missed.v1': z.strictObject({
    ...factShape,
    instance: z.string(),
    step: stepSchema,
    deadline: instantSchema,
  }),
  'sever.optout.reverification-requested.v1': z.strictObject({
    ...factShape,
    instances,
    round: z.number().int().positive(),
  }),
  /** Another subject, not opted out, now matches the same account: no purge without a person. */
  'sever.optout.account-reclaimed.v1': z.strictObject({
    ...factShape,
    instance: z.string(),
    otherSubject: z.string(),
  }),
  /** A re-verification found the account alive again. */
  'sever.optout.access-returned.v1': z.strictObject({ ...factShape, instance: z.string(), step: stepSchema }),
};
