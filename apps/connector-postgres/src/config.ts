import { z } from 'zod';

/** Settings of one instance, kept in the registry. */
export const postgresSettingsSchema = z.strictObject({
  host: z.string().min(1),
  port: z.number().int().min(1).max(65_535),
  /** Database to which the connector connects first; every other database of the server is visited as well. */
  database: z.string().min(1),
  user: z.string().min(1),
  /** `file:` or `env:` reference of the password. */
  passwordRef: z.string().regex(/^(file|env):/),
  ssl: z.boolean().default(false),
  /** Role that inherits what a removed role owned. */
  heir: z.string().min(1),
  /** Roles that are never touched. */
  protectedRoles: z.array(z.string()).default([]),
});
export type PostgresSettings = z.infer<typeof postgresSettingsSchema>;
