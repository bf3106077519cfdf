/**
 * SCIM Groups and who is in them, private to their connection. Members stand in rows of their own, so that a change of some costs the
 * same in a group of any size. No foreign key ties them to their group: both change under the lock of the group's row only, and a
 * check for each of 100,000 rows would cost more than the rows.
 */
export const groupTables = [
  `create table scim_group (
     connection text not null references connection, id uuid not null, tenant text not null, attributes jsonb not null,
     display_name_norm text not null, external_id text, claimed_name text, member_count int not null default 0,
     version int not null default 1, created_at timestamptz not null default clock_timestamp(),
     modified_at timestamptz not null default clock_timestamp(), deleted_at timestamptz,
     primary key (connection, id)) with (fillfactor = 80)`,
  `comment on column scim_group.claimed_name is 'display_name_norm where the dialect makes group names unique, else null'`,
  `create unique index scim_group_claimed_name on scim_group (connection, claimed_name) where deleted_at is null`,
  `create index scim_group_by_name on scim_group (connection, display_name_norm) where deleted_at is null`,
  `create index scim_group_by_external_id on scim_group (connection, external_id) where deleted_at is null`,
  `create index scim_group_by_age on scim_group (connection, created_at, id) where deleted_at is null`,
  `create table scim_group_member (
     connection text not null, group_id uuid not null, value text not null, kind text check (kind in ('User', 'Group')),
     subject uuid, data jsonb not null, position bigint generated always as identity,
     primary key (connection, group_id, value))`,
  `comment on column scim_group_member.kind is 'what the value names; null for a value that names nothing here'`,
  `create index scim_group_member_by_value on scim_group_member (connection, value)`,
  `grant select, insert, update on scim_group to sever_ingress`,
  `grant select, insert, update, delete on scim_group_member to sever_ingress`,
];
