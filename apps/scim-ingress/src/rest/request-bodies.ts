import { instantSchema, stepSchema } from '@sever/event-contracts';
import { z } from 'zod';
import { HttpProblem } from '../http-problem.js';

/** An id or a name. */
export const name = z
  .string()
  .min(1)
  .max(1_024)
  .refine(text => text.isWellFormed() && !text.includes('\0'), 'must be valid text');
/** Free text. */
export const text = z
  .string()
  .max(4_000)
  .refine(value => value.isWellFormed() && !value.includes('\0'), 'must be valid text');

/** `POST /v1/opt-outs`: exactly one of `userName`, `externalId`, `subject`. */
export const optOutBodySchema = z
  .strictObject({
    tenant: name,
    userName: name.optional(),
    externalId: name.optional(),
    subject: name.optional(),
    reason: text.optional(),
    create: z.boolean().optional(),
    /** A connection whose retirement decided that its people are opted out: the decision was made for all of them, and nothing is held. */
    retiredConnection: name.optional(),
  })
  .refine(
    body => [body.userName, body.externalId, body.subject].filter(v => v !== undefined).length === 1,
    'name the person by exactly one of userName, externalId and subject',
  );
export type OptOutBody = z.infer<typeof optOutBodySchema>;

/** Body of an operator's action; the reason is mandatory and kept encrypted. */
export const operatorBodySchema = z.strictObject({
  reason: text.min(1),
  connector: name.optional(),
  step: stepSchema.optional(),
  expiresAt: instantSchema.optional(),
});
export type OperatorBody = z.infer<typeof operatorBodySchema>;

export const killSwitchBodySchema = z.strictObject({ on: z.boolean(), reason: text.min(1) });

/**
 * Parses the text of a request body.
 * @throws HttpProblem 400 `request.malformed` or `request.invalid` naming what is wrong
 */
export function parseBody<T extends z.ZodType>(schema: T, body: unknown): z.infer<T> {
  let json: unknown;
  try {
    json = JSON.parse(typeof body === 'string' ? body : '');
  } catch {
    throw new HttpProblem(400, 'request.malformed', 'the request needs a JSON body');
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(issue =>
    [issue.path.join('.'), issue.message].filter(Boolean).join(': '),
  );
  throw new HttpProblem(400, 'request.invalid', problems.join('; ').slice(0, 1_000));
}
