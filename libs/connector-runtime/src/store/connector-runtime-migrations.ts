import { migration } from '@sever/postgres';

const TABLES = [
  'work_item',
  'delivery',
  'connector_account',
  'connector_snapshot',
  'connector_health',
  'dead_letter',
] as const;

/** What an instance must remember; row security lets each instance see its own rows only. */
export const connectorRuntimeMigrations = [
  migration(1_790_000_006_000, 'ConnectorRuntime', [
    // One piece of work per event that addresses the instance: running, retrying (a later try is due), parked (a person is
    // needed), waiting (behind an older piece of the same person), done or superseded.
    `create table work_item (
       instance text not null, request_event uuid not null, seq bigint generated always as identity, key text not null,
       opt_out_id uuid not null, stage text not null, event bytea not null, traceparent text,
       state text not null check (state in ('running', 'retrying', 'parked', 'waiting', 'done', 'superseded')),
       tries int not null default 0, waived text[] not null default '{}', due_at timestamptz,
       owner uuid, lease_until timestamptz, created_at timestamptz not null default clock_timestamp(),
       primary key (instance, request_event)) with (fillfactor = 70)`,
    `create index work_item_open on work_item (instance, key, seq) where state in ('running', 'retrying', 'parked', 'waiting')`,
    `create index work_item_due on work_item (instance, due_at) where state = 'retrying'`,
    `create index work_item_by_opt_out on work_item (instance, opt_out_id)`,
    // The attempt is written before the call: after a crash it says which effect may have happened.
    `create table delivery (
       instance text not null, request_event uuid not null, step text not null, attempt int not null,
       status text not null check (status in ('started', 'verified', 'failed', 'unsupported', 'restored', 'parked')),
       started_at timestamptz not null default clock_timestamp(), settled_at timestamptz,
       primary key (instance, request_event, step, attempt))`,
    `create table connector_account (
       instance text not null, tenant text not null, subject uuid not null, event_id uuid not null, sealed jsonb not null, matched_by text not null,
       primary key (instance, tenant, subject))`,
    `create table connector_snapshot (
       instance text not null, opt_out_id uuid not null, step text not null, event_id uuid not null, sealed jsonb not null, sha256 text not null,
       primary key (instance, opt_out_id, step))`,
    `create table connector_health (
       instance text primary key, breaker text not null, cause text, opened_at timestamptz, lag bigint not null default 0,
       parked int not null default 0, retrying int not null default 0, updated_at timestamptz not null default clock_timestamp()) with (fillfactor = 50)`,
    `create table dead_letter (
       instance text not null, topic text not null, partition int not null, "offset" bigint not null, code text not null, value bytea not null,
       at timestamptz not null default clock_timestamp(), primary key (instance, topic, partition, "offset"))`,
    ...TABLES.flatMap(table => [
      `alter table ${table} enable row level security`,
      `create policy ${table}_own on ${table} to sever_connector using (instance = sever_instance()) with check (instance = sever_instance())`,
      `create policy ${table}_apps on ${table} for select to sever_ingress, sever_coordinator, sever_projector using (true)`,
      `grant select, insert, update, delete on ${table} to sever_connector`,
    ]),
    `grant select on connector_health to sever_ingress, sever_coordinator, sever_projector`,
  ]),
  // Which run over the work this is: facts of different runs never share an id, and a run that was overtaken settles nothing.
  migration(1_790_000_006_100, 'ConnectorRuns', [
    `alter table work_item add column runs int not null default 1`,
  ]),
  // All work of a person, finished or not: whether an instance has dealt with somebody before is asked for every opt-out.
  migration(1_790_000_006_200, 'ConnectorWorkByKey', [
    `create index work_item_by_key on work_item (instance, key)`,
  ]),
];
