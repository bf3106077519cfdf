import { readFileSync } from 'node:fs';
import { EmbeddedPostgresError } from './embedded-postgres-error.js';

/** Operating system user that runs the server. */
export type ServiceUser = { name: string; uid: number; gid: number };

/** PostgreSQL refuses to run as root. Accounts that exist for services, best first. */
const CANDIDATES = ['postgres', 'nobody'];

/**
 * The user to run PostgreSQL as: undefined means the current one.
 * @throws EmbeddedPostgresError `postgres.no-service-user` when running as root on a machine without a service account.
 */
export function serviceUser(): ServiceUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of CANDIDATES) {
    const fields = accounts.find(line => line.startsWith(`${name}:`))?.split(':');
    if (fields) return { name, uid: Number(fields[2]), gid: Number(fields[3]) };
  }
  throw new EmbeddedPostgresError(
    'postgres.no-service-user',
    'PostgreSQL does not run as root and this machine has neither a user "postgres" nor "nobody"; start as an ordinary user or add one',
  );
}
