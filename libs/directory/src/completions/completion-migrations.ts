import { migration } from '@sever/postgres';

/**
 * Requests that were answered before they were done, until their client has acknowledged how they ended, and the keys that sign it. What is
 * complete is seen from the read models, so that no process has to tell it: killing one loses nothing, and a replay tells nothing twice.
 */
export const completionMigrations = [
  migration(1_790_000_003_900, 'Completions', [
    `create table scim_completion (
       jti uuid primary key default gen_random_uuid(), connection text not null references connection, txn uuid not null,
       method text not null, uri text not null, version text, status text not null,
       opt_out_id uuid, awaits text check (awaits in ('cut', 'restore')), requested_at timestamptz not null default clock_timestamp(),
       check ((opt_out_id is null) = (awaits is null)))`,
    `comment on column scim_completion.awaits is 'what must have happened to the opt-out; null for a request that was done at once'`,
    `create index scim_completion_by_age on scim_completion (connection, requested_at, jti)`,
    `create table signing_key (
       kid text primary key, public_jwk jsonb not null, wrapped_private bytea not null, kek_id text not null,
       created_at timestamptz not null default clock_timestamp())`,
    `grant select, insert, delete on scim_completion to sever_ingress`,
    `grant select, insert on signing_key to sever_ingress`,
  ]),
  migration(1_790_000_003_970, 'CompletionsByAge', [
    `create index scim_completion_by_request on scim_completion (requested_at)`,
  ]),
];
