import { migration } from '@sever/postgres';

/** Who relays, and how far each target log is. */
export const relayMigrations = [
  migration(1_790_000_008_000, 'Relay', [
    `create table relay_lease (
       name text primary key, epoch bigint not null default 0, holder uuid, expires_at timestamptz, target text)`,
    `insert into relay_lease (name) values ('relay')`,
    `create table relay_position (
       target text not null, topic text not null, partition int not null, next_offset bigint not null,
       primary key (target, topic, partition)) with (fillfactor = 50)`,
    `grant select on log_partition, log_record, log_requests, log_outcomes to sever_relay`,
    `grant select, update on relay_lease to sever_relay`,
    `grant select, insert, update on relay_position to sever_relay`,
  ]),
  // Unknown for what was forwarded before: then as many offsets as records, the least that it can be.
  migration(1_790_000_008_100, 'RelayTargetEnd', [`alter table relay_position add column target_end bigint`]),
];
