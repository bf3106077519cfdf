import { z } from 'zod';
import { doorSchema, factShape } from './request-data.js';

/** Most people whom one event names; more are counted and digested. */
export const NAMED_SUBJECTS_MAX = 1_000;

/**
 * Members of a group that came or went. `count` counts all of them: people, groups within the group, and references to nobody.
 * `subjects` names the people among them, in order, and stops at {@link NAMED_SUBJECTS_MAX} of an event; `unnamed` is how many
 * are left out then, and `digest` the SHA-256 over all of them in order, each followed by a newline (null when there are none).
 */
const movedSchema = z.strictObject({
  count: z.number().int().nonnegative(),
  groups: z.number().int().nonnegative(),
  subjects: z.array(z.uuid()).max(NAMED_SUBJECTS_MAX),
  unnamed: z.number().int().nonnegative(),
  digest: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
});
export type MovedMembers = z.infer<typeof movedSchema>;

const groupShape = { ...factShape, door: doorSchema, connection: z.string().min(1), group: z.uuid() };

/**
 * Facts about groups of identity providers; the envelope's `subject` is the group's id. They say who gained or lost an entitlement
 * and name no group: its name may be a person's, or a secret.
 */
export const groupEvents = {
  'sever.group.created.v1': z.strictObject({ ...groupShape, added: movedSchema }),
  /** The names of the changed attributes, never their values; who is in the group is as before. */
  'sever.group.updated.v1': z.strictObject({ ...groupShape, attributes: z.array(z.string()) }),
  /** Who is in the group has changed, and possibly attributes with it. */
  'sever.group.members-changed.v1': z.strictObject({
    ...groupShape,
    attributes: z.array(z.string()),
    added: movedSchema,
    removed: movedSchema,
  }),
  'sever.group.removed.v1': z.strictObject({ ...groupShape, removed: movedSchema }),
};
