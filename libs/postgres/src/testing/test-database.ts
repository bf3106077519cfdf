import { createHash, randomBytes } from 'node:crypto';
import { loadConfig, postgresUrl, setting } from '@sever/config';
import type { DataSource } from 'typeorm';
import { migrate } from '../migrate.js';
import type { Migration } from '../migration.js';
import { openDatabase, type DatabaseOptions } from '../open-database.js';
import { connectorRole, ensureLogin, roleMigrations, type GroupRole } from '../roles.js';

const testSettings = {
  serverUrl: setting(
    'SEVER_TEST_POSTGRES_URL',
    'server of the integration tests, started by the test runner',
    postgresUrl,
  ),
};

/** A fresh database on the test server. */
export type TestDatabase = {
  /** Address as the owner. */
  url: string;
  owner: DataSource;
  /** Address of a login role of a group; connector roles are named after their instance. */
  urlAs(group: Exclude<GroupRole, 'sever_connector'>): Promise<string>;
  urlAsConnector(instance: string): Promise<string>;
  /** A pool as a role; closed with the database. */
  open(url: string, o?: Partial<DatabaseOptions>): Promise<DataSource>;
  drop(): Promise<void>;
};

/** Creates a database of its own for one spec file and applies the role migrations and the given ones. */
export async function createTestDatabase(migrations: readonly Migration[] = []): Promise<TestDatabase> {
  const { serverUrl } = loadConfig(testSettings);
  const name = `t_${randomBytes(6).toString('hex')}`;
  const admin = await openDatabase({ url: serverUrl, applicationName: 'test-admin', poolMax: 1 });
  await admin.query(`create database ${name}`);
  const url = withDatabase(serverUrl, name);
  await migrate(url, [...roleMigrations, ...migrations]);
  const owner = await openDatabase({ url, applicationName: 'test-owner' });
  const opened: DataSource[] = [owner];
  const login = async (role: string, group: GroupRole): Promise<string> => {
    // The same for every spec file: connector roles are shared by all databases of the server.
    const password = createHash('sha256').update(serverUrl).update(role).digest('hex');
    await admin.query('select pg_advisory_lock(1)');
    try {
      await ensureLogin(owner, role, group, password);
    } finally {
      await admin.query('select pg_advisory_unlock(1)');
    }
    const as = new URL(url);
    as.username = role;
    as.password = password;
    return as.toString();
  };
  return {
    url,
    owner,
    // Roles belong to the whole server: a suffix keeps spec files that run side by side apart.
    urlAs: group => login(`${group}_${name}`, group),
    urlAsConnector: instance => login(connectorRole(instance), 'sever_connector'),
    open: async (as, o) => {
      const source = await openDatabase({ url: as, applicationName: 'test', poolMax: 4, ...o });
      opened.push(source);
      return source;
    },
    drop: async () => {
      for (const source of opened) if (source.isInitialized) await source.destroy();
      await admin.query(`drop database if exists ${name} with (force)`);
      await admin.destroy();
    },
  };
}

function withDatabase(url: string, database: string): string {
  const parsed = new URL(url);
  parsed.pathname = `/${database}`;
  return parsed.toString();
}
