import { durationSeconds } from '@sever/config';
import { z } from 'zod';
import { name, text } from '../rest/request-bodies.js';

/** All opt-outs of a tenant that the governor holds, or of one of its connections; `limit` and `after` take them in parts. */
export const stagedBodySchema = z.strictObject({
  tenant: name,
  connection: name.optional(),
  reason: text.min(1),
  limit: z.number().int().positive().optional(),
  after: z.uuid().optional(),
});

/** Limits of one connection, or of all sources of a tenant that have none of their own; null goes back to the default. */
export const limitsBodySchema = z
  .strictObject({
    tenant: name,
    connection: name.optional(),
    window: z.union([durationSeconds.pipe(z.int().positive()), z.null()]).optional(),
    maxOptOuts: z.number().int().nonnegative().max(1_000_000_000).nullable().optional(),
    percent: z.number().int().min(0).max(100).nullable().optional(),
    reason: text.min(1),
  })
  .refine(
    body => [body.window, body.maxOptOuts, body.percent].some(value => value !== undefined),
    'name at least one of window, maxOptOuts and percent',
  );
