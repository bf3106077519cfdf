import { z } from 'zod';
import { encryptedFieldSchema } from '../encrypted-field.js';
import { actorSchema, instantSchema, stepSchema, targetSchema } from '../words.js';

/** Every event's data names who did it and what it is about. */
export const factShape = { actor: actorSchema, target: targetSchema };

/** One who asked for the opt-out and must withdraw before it may be undone. */
export const askerSchema = z.strictObject({ kind: z.enum(['connection', 'api']), id: z.string().min(1) });
export type Asker = z.infer<typeof askerSchema>;

/** The door through which a request came. `rules` lists the dialect rules that fired while reading it. */
export const doorSchema = z.strictObject({
  via: z.enum(['scim', 'rest']),
  operation: z.enum([
    'delete',
    'deactivate',
    'activate',
    'create',
    'update',
    'opt-out',
    'restore',
    'operator',
  ]),
  connection: z.string().optional(),
  resource: z.string().optional(),
  dialect: z.string().optional(),
  rules: z.array(z.string()).optional(),
});
export type Door = z.infer<typeof doorSchema>;

/** A named person's acceptance that a step will not be done. `reason` is free text, hence ciphertext. */
export const waiverSchema = z.strictObject({
  step: stepSchema,
  owner: z.string().min(1),
  reason: encryptedFieldSchema,
  expiresAt: instantSchema.nullable(),
});
export type Waiver = z.infer<typeof waiverSchema>;

/** How an instance can do one step, as its manifest declared when the opt-out was requested. */
export const plannedStepSchema = z.strictObject({
  step: stepSchema,
  support: z.enum(['supported', 'partial', 'unsupported']),
  stage: z.enum(['cut', 'purge']),
});
export type PlannedStep = z.infer<typeof plannedStepSchema>;

/** One bound instance with its plan and its standing waivers: the barrier waits for exactly these. */
export const boundInstanceSchema = z.strictObject({
  instance: z.string().min(1),
  system: z.string().min(1),
  steps: z.array(plannedStepSchema),
  waivers: z.array(waiverSchema),
});
export type BoundInstance = z.infer<typeof boundInstanceSchema>;

/** `after`: purge `seconds` after the cut; `none`: at once; `never`: cut only. */
export const holdPolicySchema = z.strictObject({
  kind: z.enum(['after', 'none', 'never']),
  seconds: z.number().int().nonnegative(),
  ignoreResidualAccess: z.boolean(),
});
export type HoldPolicy = z.infer<typeof holdPolicySchema>;

/** Why the governor held an opt-out: this is the `count`-th person within the window (it is not counted any further), more than `limit`. */
export const guardSchema = z.strictObject({
  rule: z.enum(['max-opt-outs', 'percent-of-people']),
  count: z.number().int().positive(),
  limit: z.number().int().nonnegative(),
  windowSeconds: z.number().int().positive(),
});
export type Guard = z.infer<typeof guardSchema>;
