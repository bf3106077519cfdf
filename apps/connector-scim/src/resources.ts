import { z } from 'zod';

export const USER_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const GROUP_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:Group';
export const PATCH_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const ERROR_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:Error';

const meta = z.looseObject({ version: z.string().optional() }).optional();

/** A user; members that are not named here are kept as they came, for a PUT. */
export const userSchema = z.looseObject({
  id: z.string().min(1),
  userName: z.string(),
  active: z.boolean().optional(),
  externalId: z.string().nullish(),
  groups: z.array(z.looseObject({ value: z.string(), type: z.string().nullish() })).nullish(),
  meta,
});
export type ScimUser = z.infer<typeof userSchema>;

/** A group; members that are not named here are kept as they came, for a PUT. */
export const groupSchema = z.looseObject({
  id: z.string().min(1),
  members: z.array(z.looseObject({ value: z.string() })).nullish(),
  meta,
});
export type ScimGroup = z.infer<typeof groupSchema>;

export const listSchema = z.object({
  totalResults: z.number().int().nonnegative(),
  Resources: z.array(z.unknown()).nullish(),
});

/** `ServiceProviderConfig`, as far as it is used here. */
export const configSchema = z.object({ patch: z.object({ supported: z.boolean() }) });

const errorSchema = z.looseObject({
  schemas: z.array(z.string()),
  status: z.union([z.string(), z.number()]).optional(),
});

/** An error in SCIM's own words that names this status. Anything else with the status proves nothing. */
export function isScimError(reply: { status: number; contentType: string; json: unknown }): boolean {
  if (!/^application\/(scim\+)?json\b/i.test(reply.contentType)) return false;
  const parsed = errorSchema.safeParse(reply.json);
  if (!parsed.success || !parsed.data.schemas.includes(ERROR_SCHEMA)) return false;
  const { status } = parsed.data;
  return status === undefined || String(status) === String(reply.status) || reply.status < 300;
}
