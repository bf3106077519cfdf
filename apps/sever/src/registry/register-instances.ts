import {
  addBindingWaiver,
  ensureTenant,
  findInstance,
  keepBindingWaivers,
  putBinding,
  putInstance,
} from '@sever/directory';
import { rows, type Queryable } from '@sever/postgres';
import type { DataSource } from 'typeorm';
import { SeverError } from '../sever-error.js';
import { manifestOf } from './connector-apps.js';
import type { BindingEntry, InstanceEntry, InstancesFile } from './instances-file.js';

export type RegisteredInstance = { id: string; system: string };

/** What registering did and what a person should know about it. */
export type RegistrationReport = {
  tenants: string[];
  instances: (RegisteredInstance & { tenants: string[] })[];
  /** Registered earlier and not in the file: they stay as they are. */
  unlisted: string[];
  warnings: string[];
};

/**
 * Brings tenants, instances, bindings and waivers to what a checked file says; repeating it changes nothing. A binding has
 * exactly the waivers of the file. What the file does not name stays.
 * @throws SeverError `instances.system-changed`; DirectoryError `binding.scope-required`
 */
export async function registerInstances(owner: DataSource, file: InstancesFile): Promise<RegistrationReport> {
  const tenants = [
    ...new Set([...file.tenants, ...file.instances.flatMap(i => i.bindings.map(b => b.tenant))]),
  ];
  const warnings: string[] = [];
  await owner.transaction(async em => {
    for (const tenant of tenants) await ensureTenant(em, tenant);
    for (const entry of file.instances) {
      await registerInstance(em, entry);
      for (const binding of entry.bindings) warnings.push(...(await registerBinding(em, entry, binding)));
    }
  });
  const listed = new Set(file.instances.map(i => i.id));
  return {
    tenants: tenants.sort(),
    instances: file.instances.map(({ id, system, bindings }) => ({
      id,
      system,
      tenants: bindings.map(b => b.tenant),
    })),
    unlisted: (await registeredInstances(owner)).map(i => i.id).filter(id => !listed.has(id)),
    warnings,
  };
}

/** Every instance the registry knows. */
export const registeredInstances = (on: Queryable): Promise<RegisteredInstance[]> =>
  rows<RegisteredInstance>(on, 'select id, system from instance order by id');

async function registerInstance(on: Queryable, entry: InstanceEntry): Promise<void> {
  const known = await findInstance(on, entry.id);
  if (known && known.system !== entry.system)
    throw new SeverError(
      'instances.system-changed',
      `instance ${entry.id} is a ${known.system} system and its history with it; give the ${entry.system} system an id of its own`,
    );
  const steps = manifestOf(entry.system).steps.map(({ step, support, stage }) => ({ step, support, stage }));
  await putInstance(on, { id: entry.id, system: entry.system, settings: entry.settings, steps });
}

async function registerBinding(
  on: Queryable,
  { id, system }: InstanceEntry,
  binding: BindingEntry,
): Promise<string[]> {
  const { tenant, match, waivers } = binding;
  await putBinding(on, { tenant, instance: id, match });
  await keepBindingWaivers(
    on,
    { tenant, instance: id },
    waivers.map(w => w.step),
  );
  for (const waiver of waivers) await addBindingWaiver(on, { tenant, instance: id, ...waiver });
  return manifestOf(system).steps.flatMap(({ step, support }) => {
    const waiver = waivers.find(w => w.step === step);
    if (waiver && Date.parse(waiver.expiresAt) <= Date.now())
      return [`${id}: the waiver of ${step} for ${tenant} has expired and counts no longer`];
    return !waiver && support === 'unsupported'
      ? [`${id}: ${step} cannot be done there and ${tenant} has no waiver: every purge waits for a person`]
      : [];
  });
}
