import { z } from 'zod';
import { instantSchema } from './words.js';

/**
 * CloudEvents 1.0 envelope of every event (structured JSON mode).
 * `subject` is the subject's opaque id (a group's for events about a group, `-` for events about a connection or the pipeline itself); `tenant`, `optoutid`, `causationid`
 * (the event that caused this one) and `traceparent` (W3C Trace Context) are extension attributes.
 * `producerkid` and `producersig` are reserved for producer signatures.
 */
export const envelopeSchema = z.strictObject({
  specversion: z.literal('1.0'),
  id: z.uuid(),
  source: z.string().startsWith('/'),
  type: z.string().regex(/^sever\.[a-z-]+\.[a-z-]+\.v[1-9][0-9]*$/),
  subject: z.string().min(1),
  time: instantSchema,
  datacontenttype: z.literal('application/json'),
  tenant: z.string().min(1),
  optoutid: z.uuid().optional(),
  causationid: z.uuid().optional(),
  traceparent: z.string().optional(),
  data: z.record(z.string(), z.unknown()),
});
export type EventEnvelope = z.infer<typeof envelopeSchema>;
