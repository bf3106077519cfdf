import { migration } from '@sever/postgres';

/**
 * What the coordinator knows of each opt-out: the folds of both topics, the decisions it has made, and when time alone may
 * call for another one. `request` is null while only outcomes have arrived: the topics have no order between them.
 */
export const coordinationMigrations = [
  migration(1_790_000_004_000, 'Coordination', [
    `create table coordination_state (
       opt_out_id uuid primary key, request jsonb, outcomes jsonb not null, decided text[] not null default '{}',
       due_at timestamptz, cause uuid, traceparent text) with (fillfactor = 70)`,
    `create index coordination_due on coordination_state (due_at) where due_at is not null`,
    `grant select, insert, update, delete on coordination_state to sever_coordinator`,
  ]),
];
