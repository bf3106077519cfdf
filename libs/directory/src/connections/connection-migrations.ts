import { migration } from '@sever/postgres';

/**
 * What a connection may prove itself with, in tables of their own. Tokens that exist stay valid. `connection.token_hash` stays
 * for processes of the version before and is read by nobody else.
 */
const credentialTables = [
  `create table oauth_client (
     id text primary key, connection text not null references connection, secret_hash bytea, jwks jsonb, jwks_url text,
     created_at timestamptz not null default clock_timestamp(), last_used_at timestamptz, revoked_at timestamptz,
     check (num_nonnulls(secret_hash, jwks, jwks_url) = 1))`,
  `create index oauth_client_by_connection on oauth_client (connection)`,
  `create table connection_token (
     id uuid primary key default gen_random_uuid(), connection text not null references connection, token_hash bytea not null unique,
     client text references oauth_client, created_at timestamptz not null default clock_timestamp(), expires_at timestamptz,
     last_used_at timestamptz, revoked_at timestamptz)`,
  `create index connection_token_by_connection on connection_token (connection) where client is null`,
  `create index connection_token_by_client on connection_token (client, expires_at) where client is not null`,
  `insert into connection_token (connection, token_hash, created_at, revoked_at)
     select id, token_hash, created_at, retired_at from connection`,
  `create table oauth_assertion (
     client text not null references oauth_client, id_hash bytea not null, expires_at timestamptz not null, primary key (client, id_hash))`,
  `create table connection_issuer (
     connection text not null references connection, issuer text not null, audiences text[] not null check (cardinality(audiences) > 0),
     claims jsonb not null check (claims <> '{}'), algorithms text[] not null, jwks jsonb, jwks_url text,
     created_at timestamptz not null default clock_timestamp(), primary key (connection, issuer),
     check (num_nonnulls(jwks, jwks_url) = 1))`,
  `alter table connection alter column token_hash drop not null,
     add column retired_by text, add column retired_reason text,
     add column people_after text check (people_after in ('nobody', 'keep', 'opt-out'))`,
  `grant select, insert, update, delete on connection_token to sever_ingress`,
  `grant select, insert, update on oauth_client to sever_ingress`,
  `grant select, insert, delete on oauth_assertion to sever_ingress`,
  `grant select, insert, update, delete on connection_issuer to sever_ingress`,
  `grant update (token_hash, retired_at, retired_by, retired_reason, people_after) on connection to sever_ingress`,
];

/** Requests that nobody understood, by their form and without anything that was in them. */
const refusalTable = [
  `create table refused_request (
     connection text not null references connection, digest bytea not null, method text not null, resource text not null, code text not null,
     shape jsonb not null, requests bigint not null, first_seen timestamptz not null default clock_timestamp(),
     last_seen timestamptz not null default clock_timestamp(), primary key (connection, digest))`,
  `grant select, insert, update on refused_request to sever_ingress`,
];

export const connectionMigrations = [
  migration(1_790_000_003_500, 'ConnectionCredentials', credentialTables),
  migration(1_790_000_003_600, 'RefusedRequests', refusalTable),
];
