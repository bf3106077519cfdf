import { migration } from '@sever/postgres';
import { groupMoveMigration } from './group-move-migration.js';

/** Tables that a replay rebuilds. `req_off` and `out_off` guard each row by the log offset of the topic it is folded from. */
export const READ_MODEL_TABLES = ['rm_subject', 'rm_opt_out', 'rm_instance', 'rm_group_move'] as const;

export const readModelMigrations = [
  migration(1_790_000_005_000, 'ReadModels', [
    `create table rm_subject (
       tenant text not null, subject uuid not null, lifecycle text not null, identifiers_digest text, req_off bigint not null,
       primary key (tenant, subject))`,
    `create table rm_opt_out (
       opt_out_id uuid primary key, tenant text not null, subject uuid not null, phase text not null,
       requested_at timestamptz not null, cut_at timestamptz, closed_at timestamptz, state jsonb not null, req_off bigint not null)
     with (fillfactor = 70)`,
    `create index rm_opt_out_newest on rm_opt_out (tenant, requested_at desc, opt_out_id)`,
    `create index rm_opt_out_newest_all on rm_opt_out (requested_at desc, opt_out_id)`,
    `create index rm_opt_out_by_subject on rm_opt_out (subject)`,
    `create index rm_opt_out_uncut on rm_opt_out (requested_at) where phase = 'cutting'`,
    `create table rm_instance (
       opt_out_id uuid not null, instance text not null, state jsonb not null, out_off bigint not null,
       primary key (opt_out_id, instance)) with (fillfactor = 70)`,
    ...['rm_subject', 'rm_opt_out', 'rm_instance'].flatMap(table => [
      `grant select, insert, update on ${table} to sever_projector`,
      `grant select on ${table} to sever_ingress, sever_coordinator`,
    ]),
  ]),
  groupMoveMigration,
];
