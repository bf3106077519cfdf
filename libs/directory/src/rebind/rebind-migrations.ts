import { migration } from '@sever/postgres';

/** Per connection, who decides whether a namesake is the same person; and what operators were asked and said. */
export const rebindMigration = migration(1_790_000_003_960, 'Rebind', [
  `alter table connection add column rebind text not null default 'externalId' check (rebind in ('externalId', 'manual', 'never'))`,
  `create table rebind_case (
     id uuid primary key default gen_random_uuid(), connection text not null, resource uuid not null, user_name_norm text not null, external_id text, digest bytea not null,
     requests bigint not null default 1, first_seen timestamptz not null default clock_timestamp(),
     last_seen timestamptz not null default clock_timestamp(),
     decision text check (decision in ('same-person', 'another-person')), decided_by text, reason text, decided_at timestamptz,
     settled_at timestamptz, foreign key (connection, resource) references scim_resource (connection, id),
     check ((decision is null) = (decided_at is null)))`,
  `comment on column rebind_case.external_id is 'of the one who was to be created'`,
  `comment on column rebind_case.digest is 'of the name and the external id, which may be longer than an index takes'`,
  `comment on column rebind_case.settled_at is 'when a request was answered by the decision'`,
  `create unique index rebind_case_open on rebind_case (connection, resource, digest) where settled_at is null`,
  `grant update (rebind) on connection to sever_ingress`,
  `grant select, insert, update on rebind_case to sever_ingress`,
]);
