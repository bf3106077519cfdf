import type { DataSource } from 'typeorm';
import { migration } from './migration.js';
import { rows } from './sql.js';

/** Group roles: what a kind of process may do. Login roles are members of exactly one. */
export const GROUP_ROLES = [
  'sever_ingress',
  'sever_coordinator',
  'sever_projector',
  'sever_connector',
  'sever_relay',
] as const;
export type GroupRole = (typeof GROUP_ROLES)[number];

/** Database role of one connector instance. */
export const connectorRole = (instance: string): string => `sever_connector_${instance}`;

/** The roles of the first migration, which stays as it was applied; later roles have a migration of their own. */
const FIRST_ROLES = ['sever_ingress', 'sever_coordinator', 'sever_projector', 'sever_connector'];

/** Creates group roles that other databases of the cluster may create at the same moment. */
const createRoles = (names: readonly string[]): string => `do $$
     declare r text;
     begin
       foreach r in array array[${names.map(r => `'${r}'`).join(',')}] loop
         begin
           execute format('create role %I nologin', r);
         exception when duplicate_object or unique_violation then null;
         end;
       end loop;
     end $$`;

const INSTANCE_PATTERN = /^[a-z][a-z0-9-]{0,40}$/;

/** Roles and the function by which row security knows which instance is connected. First of all migrations. */
export const roleMigrations = [
  migration(1_790_000_000_000, 'Roles', [
    createRoles(FIRST_ROLES),
    `revoke create on schema public from public`,
    `grant usage on schema public to ${FIRST_ROLES.join(', ')}`,
    `create function sever_instance() returns text language sql stable
       as $$ select substring(session_user::text from '^sever_connector_(.+)$') $$`,
  ]),
  migration(1_790_000_000_100, 'RelayRole', [
    createRoles(['sever_relay']),
    `grant usage on schema public to sever_relay`,
  ]),
];

/** Quotes a text for SQL that takes no parameters (`standard_conforming_strings` is on). */
export const quoteLiteral = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** Quotes an identifier for SQL. */
export const quoteIdentifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/**
 * Makes a login role a member of a group, with a new password.
 * @param login `sever_ingress_app`, or the role of a connector instance.
 */
export async function ensureLogin(
  owner: DataSource,
  login: string,
  group: GroupRole,
  password: string,
): Promise<void> {
  if (group === 'sever_connector' && !INSTANCE_PATTERN.test(login.slice('sever_connector_'.length)))
    throw new RangeError(`the instance id of ${login} must match ${INSTANCE_PATTERN.source}`);
  const name = quoteIdentifier(login);
  const secret = quoteLiteral(password);
  const found = await rows(owner, 'select 1 as one from pg_roles where rolname = $1', [login]);
  if (found.length === 0) await owner.query(`create role ${name} login`);
  await owner.query(`alter role ${name} login password ${secret}`);
  await owner.query(`grant ${group} to ${name}`);
}
