import { migration } from '@sever/postgres';

/** The audit stream: one row per event of the log, its exact bytes and their digest, append-only for everybody. */
export const auditMigrations = [
  migration(1_790_000_007_000, 'AuditStream', [
    `create table audit_event (
       topic text not null, partition int not null, log_offset bigint not null,
       event_id uuid not null, type text not null, time timestamptz not null,
       actor_kind text not null, actor_id text not null, target_kind text not null, target_id text not null,
       tenant text not null, subject text not null, opt_out_id uuid, connector text,
       sha256 bytea not null, value bytea not null,
       primary key (topic, partition, log_offset), unique (event_id))`,
    `create index audit_event_by_opt_out on audit_event (opt_out_id, time) where opt_out_id is not null`,
    `create function audit_append_only() returns trigger language plpgsql as
     $$ begin raise exception 'the audit stream is append-only' using errcode = 'restrict_violation'; end $$`,
    `create trigger audit_event_no_change before update or delete on audit_event for each row execute function audit_append_only()`,
    `create trigger audit_event_no_truncate before truncate on audit_event for each statement execute function audit_append_only()`,
    `grant select, insert on audit_event to sever_projector`,
    `grant select on audit_event to sever_ingress, sever_coordinator`,
  ]),
  // An event stands in the log once, and every row is compared with the log at its offset: the primary key says the same.
  migration(1_790_000_007_100, 'AuditStreamKey', [
    `alter table audit_event drop constraint audit_event_event_id_key`,
  ]),
  migration(1_790_000_007_200, 'AuditStreamBySubject', [
    `create index audit_event_by_subject on audit_event (subject, time) where subject <> '-'`,
  ]),
];
