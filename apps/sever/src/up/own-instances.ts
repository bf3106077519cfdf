import type { DataSource } from 'typeorm';
import { checkInstances } from '../registry/check-instances.js';
import { readInstancesFile, type InstancesFile } from '../registry/instances-file.js';
import {
  registerInstances,
  registeredInstances,
  type RegisteredInstance,
} from '../registry/register-instances.js';
import { SANDBOX_INSTANCES } from '../sandbox/sandbox.js';

const SANDBOX_IDS: ReadonlySet<string> = new Set(SANDBOX_INSTANCES.map(i => i.id));

/**
 * Reads the target systems that a user connects, before anything is started.
 * @throws SeverError `instances.*` naming everything that is wrong
 */
export async function readOwnInstances(file: string | undefined): Promise<InstancesFile | undefined> {
  if (file === undefined) return undefined;
  const own = readInstancesFile(file);
  await checkInstances(own, { reserved: [...SANDBOX_IDS], here: true });
  return own;
}

export async function registerOwnInstances(
  owner: DataSource,
  own: InstancesFile | undefined,
  progress: (line: string) => void,
): Promise<void> {
  if (!own) return;
  const { instances, warnings } = await registerInstances(owner, own);
  for (const i of instances)
    progress(`connecting ${i.id} (${i.system}) for ${i.tenants.join(', ') || 'nobody'}`);
  for (const warning of warnings) progress(`warning: ${warning}`);
}

/** What the connectors run: everything that was ever registered on this data folder, the sandbox's only with the sandbox. */
export async function instancesToRun(owner: DataSource, sandbox: boolean): Promise<RegisteredInstance[]> {
  return (await registeredInstances(owner)).filter(i => sandbox || !SANDBOX_IDS.has(i.id));
}
