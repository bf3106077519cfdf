import { z } from 'zod';
import { encryptedFieldSchema } from '../encrypted-field.js';
import { instantSchema, stageSchema, stepSchema } from '../words.js';
import { factShape } from './request-data.js';

/** What the runtime does after a failure. `retry` is automatic and due at `dueAt`; `park` waits for a person. */
export const dispositionSchema = z.strictObject({
  next: z.enum(['retry', 'park', 'continue']),
  dueAt: instantSchema.nullable(),
});
export type Disposition = z.infer<typeof dispositionSchema>;

/** Open facts that support the outcome: codes, counts, versions. Never a name, an address, a body or a secret. */
export const evidenceSchema = z.record(
  z.string(),
  z.union([z.string(), z.number().int(), z.boolean(), z.null()]),
);
export type Evidence = z.infer<typeof evidenceSchema>;

const workShape = {
  ...factShape,
  instance: z.string().min(1),
  system: z.string().min(1),
  stage: stageSchema,
  attempt: z.number().int().nonnegative(),
  evidence: evidenceSchema,
};
const stepShape = { ...workShape, step: stepSchema };
const failureShape = {
  ...workShape,
  /** Null when the account could not even be located. */
  step: stepSchema.nullable(),
  phase: z.enum(['locate', 'act', 'verify', 'restore']),
  code: z.string().min(1),
  disposition: dispositionSchema,
};
const failure = z.strictObject(failureShape);

/** What connectors report. One failure mode is one event type. */
export const outcomeEvents = {
  /** A unique match of the binding's rule: from here on the connector acts on the immutable id. */
  'sever.account.adopted.v1': z.strictObject({
    ...workShape,
    accountRef: encryptedFieldSchema,
    key: z.string(),
  }),
  'sever.account.not-found.v1': z.strictObject({
    ...workShape,
    keysTried: z.array(z.string()),
    confirmed: z.boolean(),
  }),
  'sever.step.acted.v1': z.strictObject({ ...stepShape, residualAccessUntil: instantSchema.nullable() }),
  'sever.step.already-satisfied.v1': z.strictObject({
    ...stepShape,
    residualAccessUntil: instantSchema.nullable(),
  }),
  'sever.step.accepted.v1': z.strictObject({
    ...stepShape,
    pollAfter: instantSchema,
    giveUpAt: instantSchema,
  }),
  'sever.step.verified.v1': z.strictObject({ ...stepShape, residualAccessUntil: instantSchema.nullable() }),
  'sever.step.unsupported.v1': z.strictObject({ ...stepShape, code: z.string() }),
  'sever.step.restored.v1': z.strictObject(stepShape),
  /** Entitlements were written down before they were taken away; the snapshot itself is ciphertext outside the log. */
  'sever.snapshot.taken.v1': z.strictObject({
    ...stepShape,
    sha256: z.string().length(64),
    entries: z.number().int(),
  }),
  'sever.vendor.unavailable.v1': z.strictObject({ ...failureShape, effectUnknown: z.boolean() }),
  'sever.vendor.rate-limited.v1': z.strictObject({ ...failureShape, until: instantSchema }),
  'sever.vendor.refused.v1': failure,
  'sever.vendor.reply-malformed.v1': failure,
  'sever.credentials.rejected.v1': failure,
  'sever.principal.protected.v1': z.strictObject({ ...failureShape, rule: z.string() }),
  'sever.account.conflicted.v1': failure,
  'sever.access.still-present.v1': failure,
  /** All work of the stage is settled for this instance: every step verified, absent, waived or unsupported. */
  'sever.connector.stage-finished.v1': z.strictObject(workShape),
};

/** Health of an instance; subject `-`, outside every digest. */
export const connectorHealthEvents = {
  'sever.connector.paused.v1': z.strictObject({
    ...factShape,
    instance: z.string(),
    cause: z.string(),
    until: instantSchema.nullable(),
  }),
  'sever.connector.resumed.v1': z.strictObject({ ...factShape, instance: z.string(), cause: z.string() }),
};

/** The switch that stops every side effect. */
export const pipelineEvents = {
  'sever.kill-switch.turned-on.v1': z.strictObject({ ...factShape, reason: encryptedFieldSchema.nullable() }),
  'sever.kill-switch.turned-off.v1': z.strictObject({
    ...factShape,
    reason: encryptedFieldSchema.nullable(),
  }),
};
