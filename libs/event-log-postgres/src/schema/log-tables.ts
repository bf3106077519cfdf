/** Tables of the log: counters, and the records list-partitioned by topic so that readers can be granted one topic. */
export const logTables = [
  `create table log_partition (
     topic text not null, partition int not null, next_offset bigint not null default 0,
     primary key (topic, partition)
   ) with (fillfactor = 10)`,
  `create table log_record (
     topic text not null, partition int not null, "offset" bigint not null,
     event_id uuid not null, key text not null, type text not null, headers jsonb not null, value bytea not null,
     ts timestamptz not null default clock_timestamp(), producer text not null default session_user,
     primary key (topic, partition, "offset"), unique (topic, event_id)
   ) partition by list (topic)`,
  `create table log_requests partition of log_record for values in ('requests')`,
  `create table log_outcomes partition of log_record for values in ('outcomes')`,
  `create index log_record_by_time on log_record (topic, partition, ts)`,
  `create function log_append_only() returns trigger language plpgsql as
   $$ begin raise exception 'the event log is append-only' using errcode = 'restrict_violation'; end $$`,
  ...['log_requests', 'log_outcomes'].flatMap(table => [
    `create trigger ${table}_no_change before update or delete on ${table} for each row execute function log_append_only()`,
    `create trigger ${table}_no_truncate before truncate on ${table} for each statement execute function log_append_only()`,
  ]),
  `create trigger log_record_no_truncate before truncate on log_record for each statement execute function log_append_only()`,
  `grant select on log_partition to sever_ingress, sever_coordinator, sever_projector, sever_connector`,
  `grant select on log_record, log_requests, log_outcomes to sever_ingress, sever_coordinator, sever_projector`,
  `grant select on log_requests to sever_connector`,
];
