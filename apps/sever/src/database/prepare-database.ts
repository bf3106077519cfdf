import { TOPICS } from '@sever/event-contracts';
import { PARTITIONS } from '@sever/event-log';
import { createPostgresEventLogAdmin } from '@sever/event-log-postgres';
import { connectorRole, ensureLogin, migrate, openDatabase, rows, type GroupRole } from '@sever/postgres';
import type { DataSource } from 'typeorm';
import { migrations } from '../schema.js';

export const DATABASE = 'sever';

/** Makes the database, brings its schema up to date and makes sure the topics exist. */
export async function prepareDatabase(maintenanceUrl: string, ownerUrl: string): Promise<void> {
  const admin = await openDatabase({ url: maintenanceUrl, applicationName: 'sever-up', poolMax: 1 });
  const found = await rows(admin, 'select 1 as one from pg_database where datname = $1', [DATABASE]);
  if (found.length === 0) await admin.query(`create database ${DATABASE}`);
  await admin.destroy();
  await migrate(ownerUrl, migrations);
}

export async function ensureTopics(owner: DataSource): Promise<void> {
  await createPostgresEventLogAdmin(owner).ensureTopics(
    TOPICS.map(topic => ({ topic, partitions: PARTITIONS })),
  );
}

/** The processes besides connectors that log in to the database, and what each may do there. */
export const APP_GROUPS = {
  ingress: 'sever_ingress',
  coordinator: 'sever_coordinator',
  projector: 'sever_projector',
  relay: 'sever_relay',
} as const satisfies Record<string, GroupRole>;
export type App = keyof typeof APP_GROUPS;

/** Name of the login role of a process. */
export const appRole = (app: App): string => `sever_${app}_app`;

/** A login role per process, and one per connector instance; gives their addresses. */
export async function ensureLogins(
  owner: DataSource,
  ownerUrl: string,
  instances: readonly string[],
  secret: (name: string) => string,
): Promise<{ apps: Record<App, string>; instances: Map<string, string> }> {
  const login = async (role: string, group: GroupRole): Promise<string> => {
    const password = secret(`role-${role}`);
    await ensureLogin(owner, role, group, password);
    const url = new URL(ownerUrl);
    url.username = role;
    url.password = password;
    return url.toString();
  };
  const apps = {
    ingress: await login(appRole('ingress'), APP_GROUPS.ingress),
    coordinator: await login(appRole('coordinator'), APP_GROUPS.coordinator),
    projector: await login(appRole('projector'), APP_GROUPS.projector),
    relay: await login(appRole('relay'), APP_GROUPS.relay),
  };
  const byInstance = new Map<string, string>();
  for (const id of instances) byInstance.set(id, await login(connectorRole(id), 'sever_connector'));
  return { apps, instances: byInstance };
}
