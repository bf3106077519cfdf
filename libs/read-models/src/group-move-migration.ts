import { migration } from '@sever/postgres';

/**
 * Fills the table with what was projected before it existed, where there is an audit stream: what `movesOf` makes of an event,
 * in SQL. Does nothing to rows that are there.
 */
export const GROUP_MOVES_FROM_AUDIT = `do $$ begin
  if to_regclass('audit_event') is null then return; end if;
  insert into rm_group_move (tenant, subject, time, event_id, type, actor_id, connection, group_id, moved)
  select e.tenant, m.subject::uuid, e.time, e.event_id, e.type, e.actor_id, j.data ->> 'connection', (j.data ->> 'group')::uuid, m.moved
    from audit_event e
   cross join lateral (select convert_from(e.value, 'UTF8')::jsonb -> 'data' as data) j
   cross join lateral (
     select n.subject, min(n.moved) as moved from (
       select jsonb_array_elements_text(coalesce(j.data #> '{added,subjects}', '[]')), 'joined'
       union select jsonb_array_elements_text(coalesce(j.data #> '{removed,subjects}', '[]')), 'left') n(subject, moved)
      group by n.subject having count(*) = 1) m
   where e.type in ('sever.group.created.v1', 'sever.group.members-changed.v1', 'sever.group.removed.v1')
  on conflict do nothing;
end $$`;

/** One row per group event and person it names. What it says never changes, so that no offset needs to guard it. */
export const groupMoveMigration = migration(1_790_000_005_100, 'GroupMoves', [
  `create table rm_group_move (
     tenant text not null, subject uuid not null, time timestamptz not null, event_id uuid not null, type text not null,
     actor_id text not null, connection text not null, group_id uuid not null, moved text not null,
     primary key (subject, time, event_id))`,
  `grant select, insert, update on rm_group_move to sever_projector`,
  `grant select on rm_group_move to sever_ingress, sever_coordinator`,
  GROUP_MOVES_FROM_AUDIT,
]);
