import { existsSync } from 'node:fs';
import path from 'node:path';
import { EXIT, SeverError } from '../sever-error.js';
import { connectorDefinition, connectorSystems, manifestOf } from './connector-apps.js';
import type { InstanceEntry, InstancesFile } from './instances-file.js';
import { referencesIn } from './secret-references.js';

export type CheckOptions = {
  /** Ids that belong to something else. */
  reserved?: readonly string[];
  /** Whether connectors run on this machine with nothing but files: then references must be files that exist here. */
  here?: boolean;
};

/**
 * Checks what the form cannot say: known systems, settings as their connectors want them, references, waivers.
 * @throws SeverError `instances.invalid` with one line per problem, each naming the instance
 */
export async function checkInstances(file: InstancesFile, o: CheckOptions = {}): Promise<void> {
  const problems: string[] = [];
  const seen = new Set(o.reserved);
  for (const entry of file.instances) {
    const say = (text: string): void => void problems.push(`  ${entry.id}: ${text}`);
    if (seen.has(entry.id)) say('this id is used already; choose another');
    seen.add(entry.id);
    if (!connectorSystems().includes(entry.system))
      say(`there is no connector for ${entry.system}; there are ${connectorSystems().join(', ')}`);
    else await checkEntry(entry, o, say);
  }
  if (problems.length > 0)
    throw new SeverError(
      'instances.invalid',
      `the instances cannot be used:\n${problems.join('\n')}`,
      EXIT.usage,
    );
}

async function checkEntry(entry: InstanceEntry, o: CheckOptions, say: (text: string) => void): Promise<void> {
  const { parseSettings } = await connectorDefinition(entry.system);
  try {
    parseSettings(entry.settings);
  } catch (error) {
    for (const problem of settingProblems(error)) say(problem);
  }
  for (const reference of referencesIn(entry.settings)) checkReference(reference, o.here ?? false, say);
  const tenants = entry.bindings.map(b => b.tenant);
  for (const tenant of new Set(tenants.filter((t, i) => tenants.indexOf(t) !== i)))
    say(`tenant ${tenant} is bound twice; keep one binding`);
  const steps = manifestOf(entry.system).steps;
  for (const { tenant, waivers } of entry.bindings)
    for (const { step } of waivers)
      if (steps.some(s => s.step === step && s.support === 'supported'))
        say(`the waiver of ${step} for ${tenant} is needless: the connector does this step; remove it`);
}

/** zod's issues name members and expectations, not values; other errors are taken at their word. */
function settingProblems(error: unknown): string[] {
  if (typeof error === 'object' && error !== null && 'issues' in error && Array.isArray(error.issues))
    return (error.issues as { path: PropertyKey[]; message: string }[]).map(
      issue => `settings${issue.path.map(p => `.${String(p)}`).join('')}: ${issue.message}`,
    );
  return [`settings: ${error instanceof Error ? error.message : String(error)}`];
}

function checkReference(reference: string, here: boolean, say: (text: string) => void): void {
  const place = reference.slice(reference.indexOf(':') + 1);
  if (reference.startsWith('env:')) {
    if (here)
      say(
        `${reference} cannot be used: connectors get no variables of this shell; put the secret into a file`,
      );
  } else if (!path.isAbsolute(place)) say(`${reference} must be an absolute path`);
  else if (here && !existsSync(place)) say(`${reference} is not there`);
}
