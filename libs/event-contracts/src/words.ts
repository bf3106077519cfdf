import { z } from 'zod';

/** The five things a connector does to an account, in the order in which a cut does them; `delete` belongs to the purge. */
export const STEPS = ['suspend', 'endSessions', 'revokeCredentials', 'stripEntitlements', 'delete'] as const;
export const stepSchema = z.enum(STEPS);
export type Step = z.infer<typeof stepSchema>;

/** The reversible steps, done at once everywhere. */
export const CUT_STEPS = [
  'suspend',
  'endSessions',
  'revokeCredentials',
  'stripEntitlements',
] as const satisfies readonly Step[];
/** The irreversible steps, done after the barrier. */
export const PURGE_STEPS = ['delete'] as const satisfies readonly Step[];

/** What a connector is asked to do about a subject. `reverify` only reads. */
export const stageSchema = z.enum(['cut', 'purge', 'restore', 'reverify']);
export type Stage = z.infer<typeof stageSchema>;

/** Who caused an event: an id, never a person's name. */
export const actorSchema = z.strictObject({
  kind: z.enum(['connection', 'api', 'operator', 'connector', 'coordinator', 'system']),
  id: z.string().min(1),
});
export type Actor = z.infer<typeof actorSchema>;

/** What an event is about. */
export const targetSchema = z.strictObject({
  kind: z.enum(['subject', 'resource', 'account', 'instance', 'connection', 'pipeline']),
  id: z.string().min(1),
  instance: z.string().optional(),
});
export type Target = z.infer<typeof targetSchema>;

/** The two topics of the log. */
export const TOPICS = ['requests', 'outcomes'] as const;
export type Topic = (typeof TOPICS)[number];

/** Record key: everything about one subject is ordered within a topic. */
export const subjectKey = (tenant: string, subject: string): string => `${tenant}:${subject}`;

/** RFC 3339 in UTC with milliseconds, the one form of time in events. */
export const instantSchema = z.iso.datetime({ precision: 3 });
