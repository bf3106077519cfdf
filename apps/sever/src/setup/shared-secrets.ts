import { postgresUrl } from '@sever/config';
import { connectorRole } from '@sever/postgres';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { APP_GROUPS, type App } from '../database/prepare-database.js';
import { connectorSystems } from '../registry/connector-apps.js';
import { EXIT, SeverError } from '../sever-error.js';
import { SECRET } from './secret-names.js';

/** A role of the database and its password, as the process that uses it has them in its address. */
export type Login = { role: string; password: string };

/** Secrets that the set-up shares with the processes: each process reads only its own. */
export type SharedSecrets = {
  apps: Map<App, Login>;
  instances: Map<string, Login>;
  apiToken: string;
};

const TOKEN_LENGTH_MIN = 32;
const instancesSchema = z.array(
  z.strictObject({
    id: z.string().min(1),
    databaseUrl: postgresUrl,
    kafkaUser: z.string().min(1).optional(),
    kafkaPassword: z.string().min(1).optional(),
  }),
);

/**
 * Reads a secrets folder.
 * @throws SeverError `setup.secrets` naming every file that is missing or wrong, never what is in it
 */
export function readSharedSecrets(dir: string): SharedSecrets {
  const problems: string[] = [];
  const read = <T>(name: string, parse: (text: string) => T): T | undefined => {
    const file = path.join(dir, name);
    try {
      return parse(readFileSync(file, 'utf8').trim());
    } catch (error) {
      problems.push(`  ${file}: ${existsSync(file) ? reasonOf(error) : 'is missing'}`);
      return undefined;
    }
  };
  const apps = new Map<App, Login>();
  for (const app of Object.keys(APP_GROUPS) as App[]) {
    const login = read(SECRET.appUrl(app), loginOf);
    if (login) apps.set(app, login);
  }
  const instances = new Map<string, Login>();
  for (const system of connectorSystems()) {
    const name = SECRET.instances(system);
    if (!existsSync(path.join(dir, name))) continue;
    for (const [id, login] of read(name, instanceLogins) ?? []) instances.set(id, login);
  }
  const apiToken = read(SECRET.apiToken, tokenOf);
  if (problems.length > 0 || apiToken === undefined)
    throw new SeverError(
      'setup.secrets',
      `the secrets folder cannot be used; "sever secrets" writes what is missing:\n${problems.join('\n')}`,
      EXIT.usage,
    );
  return { apps, instances, apiToken };
}

class SecretProblem extends Error {}

const reasonOf = (error: unknown): string =>
  error instanceof SecretProblem ? error.message : 'cannot be read';

function loginOf(text: string): Login {
  const url = postgresUrl.safeParse(text).success && URL.canParse(text) ? new URL(text) : undefined;
  if (!url?.username || !url.password)
    throw new SecretProblem('must be an address with a role and its password, postgres://…');
  return { role: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
}

function tokenOf(text: string): string {
  if (text.length < TOKEN_LENGTH_MIN)
    throw new SecretProblem(`must be a random token of at least ${TOKEN_LENGTH_MIN} characters`);
  return text;
}

function instanceLogins(text: string): [string, Login][] {
  const parsed = instancesSchema.safeParse(jsonOrUndefined(text));
  if (!parsed.success)
    throw new SecretProblem('must be a JSON array of { id, databaseUrl, kafkaUser?, kafkaPassword? }');
  return parsed.data.map(({ id, databaseUrl }) => {
    const login = loginOf(databaseUrl);
    // The database knows an instance by the name of its role: row security depends on it.
    if (login.role !== connectorRole(id))
      throw new SecretProblem(`instance ${id} must log in as ${connectorRole(id)}`);
    return [id, login];
  });
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
