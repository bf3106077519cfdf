import { migration } from '@sever/postgres';

/**
 * Wrapped data keys, one row per subject and version. A connector sees the keys of tenants that are bound to it and no others.
 * `sever_is_bound` looks the binding up when it runs, since that table belongs to the directory.
 */
export const subjectKeyMigrations = [
  migration(1_790_000_002_000, 'SubjectKeys', [
    `create table subject_key (
       tenant text not null, subject uuid not null, ver int not null,
       wrapped_dek bytea, kek_id text not null, state text not null default 'active' check (state in ('active', 'destroyed')),
       created_at timestamptz not null default clock_timestamp(), destroyed_at timestamptz,
       primary key (tenant, subject, ver),
       check ((state = 'destroyed') = (wrapped_dek is null))
     )`,
    `create function sever_is_bound(t text) returns boolean language plpgsql stable security definer
       set search_path = pg_catalog, public as $$
     begin
       return exists (select 1 from public.binding b where b.tenant = t and b.instance = public.sever_instance());
     end $$`,
    `alter table subject_key enable row level security`,
    `create policy subject_key_apps on subject_key to sever_ingress, sever_coordinator using (true) with check (true)`,
    `create policy subject_key_connectors on subject_key for select to sever_connector using (sever_is_bound(tenant))`,
    `grant select, insert on subject_key to sever_ingress`,
    `grant select on subject_key to sever_coordinator, sever_connector`,
  ]),
];
