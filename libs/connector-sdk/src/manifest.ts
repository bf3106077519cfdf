import { stepSchema } from '@sever/event-contracts';
import { z } from 'zod';

/** What a connector can do about one step, stated honestly. */
export const stepCapabilitySchema = z.strictObject({
  step: stepSchema,
  support: z.enum(['supported', 'partial', 'unsupported']),
  /** `purge` for everything that cannot be undone. */
  stage: z.enum(['cut', 'purge']),
  reversibility: z.enum(['reversible', 'restorable', 'reissue', 'irreversible']).optional(),
  /** How the effect is proven, for people. */
  verifiedBy: z.string().optional(),
  /** Seconds within which a verify may still see the old state (replica lag). */
  verifyGraceSeconds: z.number().int().nonnegative().default(0),
  /** What stays possible although the step is done, for people. */
  residual: z.string().optional(),
});
export type StepCapability = z.infer<typeof stepCapabilitySchema>;

/** `connector.json`: identity, capabilities and limits of a connector app. */
export const connectorManifestSchema = z.strictObject({
  system: z.string().regex(/^[a-z][a-z0-9-]*$/),
  title: z.string().min(1),
  owner: z.string().min(1),
  steps: z.array(stepCapabilitySchema).length(5),
  /** Largest number of subjects worked on at once per instance. */
  concurrency: z.number().int().positive().max(256).default(32),
  /** Milliseconds for one attempt of one step, all its calls together. */
  attemptTimeoutMs: z.number().int().positive().default(15_000),
});
export type ConnectorManifest = z.infer<typeof connectorManifestSchema>;

/** Reads a manifest; throws zod's error naming the wrong member. */
export const parseManifest = (json: unknown): ConnectorManifest => connectorManifestSchema.parse(json);
