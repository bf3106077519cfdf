import { stepSchema } from '@sever/event-contracts';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { EXIT, SeverError } from '../sever-error.js';

const tenantSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'a tenant id has 1 to 63 lower-case letters, digits and hyphens');

/** Somebody accepts, for a while, that a step of this system cannot be done. */
const waiverSchema = z.strictObject({
  step: stepSchema,
  owner: z.string().min(1),
  reason: z.string().min(1),
  expiresAt: z.iso.datetime({ offset: true }),
});

/** A tenant uses an instance. `scope` limits a shared instance to one tenant's accounts. */
const bindingSchema = z.strictObject({
  tenant: tenantSchema,
  match: z
    .strictObject({
      by: z.enum(['userName', 'externalId']).default('userName'),
      scope: z.record(z.string(), z.string()).optional(),
    })
    .default({ by: 'userName' }),
  waivers: z.array(waiverSchema).default([]),
});

/** One target system and who uses it. `settings` are those of its connector app. */
const instanceSchema = z.strictObject({
  id: z
    .string()
    .regex(
      /^[a-z][a-z0-9-]{0,40}$/,
      'an instance id begins with a letter and has up to 41 lower-case letters, digits and hyphens',
    ),
  system: z.string().min(1),
  settings: z.record(z.string(), z.unknown()),
  bindings: z.array(bindingSchema).default([]),
});

/** The file that `sever setup --instances` and `sever up --instances` read. */
export const instancesFileSchema = z.strictObject({
  /** For editors; not read. */
  $schema: z.string().optional(),
  /** Tenants that use no instance yet; those of bindings need not be listed. */
  tenants: z.array(tenantSchema).default([]),
  instances: z.array(instanceSchema),
});
export type InstancesFile = z.infer<typeof instancesFileSchema>;
export type InstanceEntry = InstancesFile['instances'][number];
export type BindingEntry = InstanceEntry['bindings'][number];

/**
 * Reads and checks the form of an instances file.
 * @throws SeverError `instances.unreadable`, `instances.invalid` naming every member that is wrong, never a value
 */
export function readInstancesFile(file: string): InstancesFile {
  const parsed = instancesFileSchema.safeParse(jsonOf(file));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(i => `  ${i.path.join('.') || 'the file'}: ${i.message}`);
  throw new SeverError('instances.invalid', `${file} cannot be used:\n${problems.join('\n')}`, EXIT.usage);
}

function jsonOf(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new SeverError('instances.unreadable', `${file} cannot be read; is the path right?`, EXIT.usage);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new SeverError('instances.unreadable', `${file} is not JSON`, EXIT.usage);
  }
}
