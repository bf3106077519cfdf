import { formerNameMigration } from './resources/former-name.js';
import { migration } from '@sever/postgres';
import { groupTables } from './groups/group-tables.js';
import { governorMigration } from './governor/governor-migrations.js';
import { completionMigrations } from './completions/completion-migrations.js';
import { connectionMigrations } from './connections/connection-migrations.js';
import { rebindMigration } from './rebind/rebind-migrations.js';
import { cursorKeyMigration } from './resources/cursor-key.js';
import { indexOrderMigration } from './resources/index-order.js';
import { cheaperUpdatesMigration, indexedAttributesMigration } from './resources/indexed-attributes.js';

/** Registry: who may ask (tenants, connections, tokens) and what lets go (instances, bindings, waivers, the kill switch). */
const registryTables = [
  `create table tenant (id text primary key check (id ~ '^[a-z0-9][a-z0-9-]{0,62}$'), created_at timestamptz not null default clock_timestamp())`,
  `create table connection (
     id text primary key check (id ~ '^[a-z0-9][a-z0-9-]{0,62}$'), tenant text not null references tenant,
     dialect text not null, rate_limit int, token_hash bytea not null unique,
     created_at timestamptz not null default clock_timestamp(), retired_at timestamptz)`,
  `create table api_token (token_hash bytea primary key, principal text not null, created_at timestamptz not null default clock_timestamp())`,
  `create table instance (
     id text primary key check (id ~ '^[a-z][a-z0-9-]{0,40}$'), system text not null, settings jsonb not null, steps jsonb not null,
     created_at timestamptz not null default clock_timestamp())`,
  `create table binding (
     tenant text not null references tenant, instance text not null references instance,
     match jsonb not null, created_at timestamptz not null default clock_timestamp(), primary key (tenant, instance))`,
  `create table binding_waiver (
     tenant text not null, instance text not null, step text not null, owner text not null, reason text not null, expires_at timestamptz,
     primary key (tenant, instance, step), foreign key (tenant, instance) references binding)`,
  `create table kill_switch (one boolean primary key default true check (one), is_on boolean not null, since timestamptz not null, actor text not null)`,
  `insert into kill_switch (is_on, since, actor) values (false, clock_timestamp(), 'system')`,
  `grant select on tenant, connection, api_token, instance, binding, binding_waiver, kill_switch to sever_ingress`,
  `grant insert on tenant, connection, binding to sever_ingress`,
  `grant update on kill_switch to sever_ingress`,
  `grant select on instance, binding, kill_switch to sever_coordinator, sever_projector`,
  `grant select on kill_switch to sever_connector`,
  ...['instance', 'binding'].flatMap(table => [
    `alter table ${table} enable row level security`,
    `create policy ${table}_apps on ${table} to sever_ingress, sever_coordinator, sever_projector using (true) with check (true)`,
    `create policy ${table}_connectors on ${table} for select to sever_connector using (${table === 'instance' ? 'id' : 'instance'} = sever_instance())`,
    `grant select on ${table} to sever_connector`,
  ]),
];

/** The SCIM directory: resources private to their connection, and the people they belong to. */
const directoryTables = [
  `create table subject (
     id uuid primary key, tenant text not null references tenant, user_name_norm text not null,
     created_at timestamptz not null default clock_timestamp())`,
  `create index subject_by_name on subject (tenant, user_name_norm)`,
  `create table scim_resource (
     connection text not null references connection, id uuid not null, tenant text not null, subject uuid not null references subject,
     attributes jsonb not null, user_name_norm text not null, external_id text, active boolean not null,
     version int not null default 1, created_at timestamptz not null default clock_timestamp(),
     modified_at timestamptz not null default clock_timestamp(), deleted_at timestamptz,
     primary key (connection, id)) with (fillfactor = 80)`,
  `create unique index scim_resource_by_name on scim_resource (connection, user_name_norm) where deleted_at is null`,
  `create index scim_resource_by_external_id on scim_resource (connection, external_id) where deleted_at is null`,
  `create index scim_resource_by_age on scim_resource (connection, created_at, id) where deleted_at is null`,
  `create index scim_resource_by_subject on scim_resource (subject)`,
  `create index scim_resource_by_tenant_name on scim_resource (tenant, user_name_norm) where deleted_at is null`,
  `create index scim_resource_by_tenant_external_id on scim_resource (tenant, external_id) where deleted_at is null`,
  `create table standing_opt_out (
     opt_out_id uuid primary key, tenant text not null, subject uuid not null, request_event uuid not null,
     phase text not null check (phase in ('open', 'restoring', 'restored', 'purging', 'purged', 'cut-only')),
     askers jsonb not null, legal_hold boolean not null default false, rehired boolean not null default false,
     since timestamptz not null default clock_timestamp())`,
  `create index standing_by_subject on standing_opt_out (tenant, subject, since desc)`,
  `create unique index standing_open on standing_opt_out (tenant, subject) where phase = 'open'`,
  `create table idempotency_key (
     key_hash bytea primary key, request_hash bytea not null, opt_out_id uuid not null, created_at timestamptz not null default clock_timestamp())`,
  `grant select, insert, update on subject, scim_resource, standing_opt_out to sever_ingress`,
  `grant select, insert, delete on idempotency_key to sever_ingress`,
  `grant select on subject, scim_resource to sever_coordinator`,
  `grant select, update on standing_opt_out to sever_coordinator`,
];

export const directoryMigrations = [
  migration(1_790_000_003_000, 'Registry', registryTables),
  migration(1_790_000_003_100, 'Directory', directoryTables),
  migration(1_790_000_003_200, 'Groups', groupTables),
  ...connectionMigrations,
  cursorKeyMigration,
  indexedAttributesMigration,
  ...completionMigrations,
  indexOrderMigration,
  rebindMigration,
  governorMigration,
  cheaperUpdatesMigration,
  formerNameMigration,
];
