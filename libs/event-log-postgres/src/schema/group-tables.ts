/** Consumer groups: members, ownership with epochs, committed offsets; and offsets kept in a consumer's own transaction. */
export const groupTables = [
  `create table log_group_member (
     group_name text not null, member uuid not null, heartbeat_at timestamptz not null default clock_timestamp(),
     primary key (group_name, member))`,
  `create table log_group_partition (
     group_name text not null, topic text not null, partition int not null,
     owner uuid, epoch bigint not null default 0, next_offset bigint not null default 0,
     primary key (group_name, topic, partition)) with (fillfactor = 50)`,
  `create table consumer_offset (
     consumer text not null, topic text not null, partition int not null,
     next_offset bigint not null default 0, next_log_offset bigint not null default 0,
     primary key (consumer, topic, partition)) with (fillfactor = 50)`,
  ...['log_group_member', 'log_group_partition'].flatMap(table => [
    `alter table ${table} enable row level security`,
    `create policy ${table}_apps on ${table} to sever_coordinator, sever_projector, sever_ingress using (true) with check (true)`,
    // A connector instance sees and moves its own group only.
    `create policy ${table}_connectors on ${table} to sever_connector
       using (group_name = 'connector-' || sever_instance()) with check (group_name = 'connector-' || sever_instance())`,
    `grant select on ${table} to sever_ingress`,
    `grant select, insert, update, delete on ${table} to sever_coordinator, sever_projector, sever_connector`,
  ]),
  `grant select, insert, update on consumer_offset to sever_coordinator, sever_projector`,
  `grant select on consumer_offset to sever_ingress`,
];
