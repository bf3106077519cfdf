import { loadConfig } from '@sever/config';
import { replaceApiToken } from '@sever/directory';
import {
  connectorRole,
  databaseErrorCode,
  ensureLogin,
  isDatabaseUnavailable,
  migrate,
  openDatabase,
} from '@sever/postgres';
import { makeKeyFolder } from '@sever/subject-keys';
import type { DataSource } from 'typeorm';
import { APP_GROUPS, ensureTopics } from '../database/prepare-database.js';
import { checkInstances } from '../registry/check-instances.js';
import { readInstancesFile, type InstancesFile } from '../registry/instances-file.js';
import { registerInstances, type RegistrationReport } from '../registry/register-instances.js';
import { migrations } from '../schema.js';
import { EXIT, SeverError } from '../sever-error.js';
import { prepareKafka } from './prepare-kafka.js';
import { setupSettings } from './setup-settings.js';
import { readSharedSecrets, type SharedSecrets } from './shared-secrets.js';

export type SetupOptions = { secretsDir: string; instancesFile?: string | undefined };

export type SetupReport = RegistrationReport & {
  /** Schema changes that this run made. */
  migrations: number;
  /** Login roles that exist now, with the passwords of the secrets folder. */
  logins: string[];
  /** Users of Kafka that have access rules now. */
  kafkaUsers: string[];
};

/** The principal of the token in the secrets folder. */
const OPERATOR = 'operator';

/**
 * Prepares a database of one's own: schema, roles, logins, topics, the first key, the API token, and what the instances file
 * names. Repeating it changes nothing; after an upgrade or a change of the file it brings everything up to date.
 * @throws SeverError `setup.secrets`, `setup.login-missing`, `instances.*`, `database.unreachable`, `database.refused`
 */
export async function runSetup(o: SetupOptions, env?: NodeJS.ProcessEnv): Promise<SetupReport> {
  const config = loadConfig(setupSettings, env);
  const secrets = readSharedSecrets(o.secretsDir);
  const file: InstancesFile = o.instancesFile
    ? readInstancesFile(o.instancesFile)
    : { tenants: [], instances: [] };
  await checkInstances(file);
  requireLogins(file, secrets, o.secretsDir);
  makeKeyFolder(config.keysDir);
  const done = await explained(() => prepare(config.databaseUrl, secrets, file));
  const instances = [...done.instances.map(i => i.id), ...done.unlisted];
  return { ...done, kafkaUsers: await prepareKafka(instances, env) };
}

async function prepare(
  ownerUrl: string,
  secrets: SharedSecrets,
  file: InstancesFile,
): Promise<Omit<SetupReport, 'kafkaUsers'>> {
  const applied = await migrate(ownerUrl, migrations);
  const owner = await openDatabase({ url: ownerUrl, applicationName: 'sever-setup', poolMax: 2 });
  try {
    await ensureTopics(owner);
    const logins = await makeLogins(owner, secrets);
    await replaceApiToken(owner, secrets.apiToken, OPERATOR);
    return { migrations: applied, logins, ...(await registerInstances(owner, file)) };
  } finally {
    await owner.destroy();
  }
}

async function makeLogins(owner: DataSource, secrets: SharedSecrets): Promise<string[]> {
  for (const [app, { role, password }] of secrets.apps)
    await ensureLogin(owner, role, APP_GROUPS[app], password);
  for (const { role, password } of secrets.instances.values())
    await ensureLogin(owner, role, 'sever_connector', password);
  return [...secrets.apps.values(), ...secrets.instances.values()].map(l => l.role);
}

/** A connector without a login would never start: better said here. */
function requireLogins(file: InstancesFile, secrets: SharedSecrets, dir: string): void {
  const missing = file.instances.filter(i => !secrets.instances.has(i.id));
  if (missing.length > 0)
    throw new SeverError(
      'setup.login-missing',
      `no file connector-SYSTEM-instances in ${dir} has a login for ${missing.map(i => i.id).join(', ')} ` +
        `(role ${missing.map(i => connectorRole(i.id)).join(', ')}); "sever secrets --instances" makes them`,
      EXIT.usage,
    );
}

const NOT_ALLOWED: ReadonlySet<string> = new Set(['42501', '28P01', '28000', '3D000']);

/** Says of a database's refusal what to do about it. */
async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    if (isDatabaseUnavailable(error))
      throw new SeverError(
        'database.unreachable',
        `the database of DATABASE_URL does not answer: ${said}`,
        EXIT.unreachable,
      );
    if (NOT_ALLOWED.has(databaseErrorCode(error) ?? ''))
      throw new SeverError(
        'database.refused',
        `the database refused: ${said}; the role of DATABASE_URL must own that database, have CREATEROLE, and the ADMIN OPTION on roles named sever_… that another role has made`,
      );
    throw error;
  }
}
