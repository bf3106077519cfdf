import { loadConfig, postgresUrl, setting } from '@sever/config';
import { connectorRole } from '@sever/postgres';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { APP_GROUPS, appRole, type App } from '../database/prepare-database.js';
import { checkInstances } from '../registry/check-instances.js';
import { referencesIn } from '../registry/secret-references.js';
import { readInstancesFile, type InstancesFile } from '../registry/instances-file.js';
import { BROKERS, BROKER_NAME, KAFKA_SECRET, kafkaUsers } from './kafka-secrets.js';
import { makeBrokerCertificates } from './kafka-certificates.js';
import { SECRET } from './secret-names.js';

export type SecretsOptions = { dir: string; instancesFile?: string | undefined; kafka: boolean };
export type SecretsReport = {
  dir: string;
  made: string[];
  /** References of the instances file to secrets of the targets, which only their owner knows. */
  yours: string[];
};

const ownerSettings = {
  ownerUrl: setting(
    'DATABASE_URL',
    'the database, as the role that owns it; without it the one that compose runs',
    postgresUrl.optional(),
    { secret: true },
  ),
};

/** The database of `deploy/compose.yaml`. */
const COMPOSE_DATABASE = 'postgres://sever_owner@postgres:5432/sever';

/**
 * Writes every secret that is missing into a folder; what is there stays. Nobody but this user enters the folder (mode 0700);
 * its files can be read (0644), since a container's user is another one and sees only the files it is given.
 * @throws SeverError `instances.*`
 */
export async function makeSecrets(o: SecretsOptions, env?: NodeJS.ProcessEnv): Promise<SecretsReport> {
  const { ownerUrl } = loadConfig(ownerSettings, env);
  const file: InstancesFile = o.instancesFile
    ? readInstancesFile(o.instancesFile)
    : { tenants: [], instances: [] };
  await checkInstances(file);
  const folder = new SecretsFolder(o.dir);
  const owner = new URL(folder.keep(SECRET.ownerUrl, () => ownerUrl ?? withPassword(COMPOSE_DATABASE)));
  folder.keep(SECRET.ownerPassword, () => decodeURIComponent(owner.password));
  folder.keep(SECRET.apiToken, () => `sev_api_${newSecret()}`);
  for (const app of Object.keys(APP_GROUPS) as App[])
    folder.keep(SECRET.appUrl(app), () => asRole(owner, appRole(app)));
  if (o.kafka) await keepKafka(folder, file);
  for (const system of new Set(file.instances.map(i => i.system))) {
    const ids = file.instances.filter(i => i.system === system).map(i => i.id);
    keepInstances(folder, owner, system, ids);
  }
  return { dir: folder.dir, made: folder.made, yours: [...new Set(referencesIn(file))].sort() };
}

const entrySchema = z.object({ id: z.string(), databaseUrl: z.string() });

/** Logins of the instances that a connector process runs: those of the file, with the passwords they have already. */
function keepInstances(folder: SecretsFolder, owner: URL, system: string, ids: readonly string[]): void {
  const name = SECRET.instances(system);
  const before = folder.read(name);
  const known = z.array(entrySchema).parse(JSON.parse(before ?? '[]') as unknown);
  const entries = ids.map(id => {
    const databaseUrl = known.find(i => i.id === id)?.databaseUrl ?? asRole(owner, connectorRole(id));
    const kafkaPassword = folder.read(KAFKA_SECRET.password(`connector-${id}`));
    return { id, databaseUrl, ...(kafkaPassword && { kafkaUser: `connector-${id}`, kafkaPassword }) };
  });
  const wanted = JSON.stringify(entries);
  if (wanted !== before) folder.write(name, wanted);
}

async function keepKafka(folder: SecretsFolder, file: InstancesFile): Promise<void> {
  for (const user of kafkaUsers(file.instances)) folder.keep(KAFKA_SECRET.password(user), newSecret);
  folder.keep(KAFKA_SECRET.clusterId, newClusterId);
  if (folder.has(KAFKA_SECRET.ca) && folder.has(KAFKA_SECRET.broker)) return;
  const { ca, broker } = await makeBrokerCertificates(BROKER_NAME, BROKERS);
  folder.write(KAFKA_SECRET.ca, ca);
  folder.write(KAFKA_SECRET.broker, broker);
}

/** 16 random bytes; a first character that Kafka's tools would take for an option is left out. */
function newClusterId(): string {
  const id = randomBytes(16).toString('base64url');
  return id.startsWith('-') ? newClusterId() : id;
}

const newSecret = (): string => randomBytes(32).toString('base64url');
const withPassword = (url: string): string => asRole(new URL(url), new URL(url).username);

/** The same database, with everything its address says about the connection, as another role with a new password. */
function asRole(database: URL, role: string): string {
  const url = new URL(database);
  url.username = role;
  url.password = newSecret();
  return url.toString();
}

class SecretsFolder {
  readonly dir: string;
  readonly made: string[] = [];

  constructor(dir: string) {
    this.dir = path.resolve(dir);
    mkdirSync(this.dir, { recursive: true, mode: 0o700 });
    chmodSync(this.dir, 0o700);
  }

  has(name: string): boolean {
    return existsSync(path.join(this.dir, name));
  }

  read(name: string): string | undefined {
    return this.has(name) ? readFileSync(path.join(this.dir, name), 'utf8').trim() : undefined;
  }

  /** The secret that is there, or a new one. */
  keep(name: string, make: () => string): string {
    const known = this.read(name);
    if (known !== undefined) return known;
    const made = make();
    this.write(name, made);
    return made;
  }

  write(name: string, content: string): void {
    const file = path.join(this.dir, name);
    writeFileSync(`${file}.new`, content, { mode: 0o644, flush: true });
    renameSync(`${file}.new`, file);
    this.made.push(name);
  }
}
