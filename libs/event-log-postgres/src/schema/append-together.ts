import { LOCK_COUNTERS, ONE_RECORD } from './append-function.js';

const GIVEN = `unnest(p_topics, p_partitions, p_event_ids, p_keys, p_types, p_headers, p_values)
                with ordinality as u(t, p, id, k, ty, h, v, place)`;

/** The record that is in the log under an id: looked for by the index, one id after the other, since a limit leaves the server no other way. */
const IN_LOG = `select r."offset" as at, r.value from public.log_record r where r.topic = u.t and r.event_id = u.id limit 1`;

/**
 * Several records are written by one statement, and each counter once; one after the other cost half as much again. The steps and the order of locks
 * stay: all counters first, by topic and partition; then the ids that are known, as a snapshot taken under the locks shows them.
 */
export const appendTogether = [
  `create or replace function log_append(
       p_topics text[], p_partitions int[], p_event_ids uuid[], p_keys text[], p_types text[], p_headers text[], p_values bytea[])
     returns table (n int, "offset" bigint, duplicate boolean)
     language plpgsql volatile security definer set search_path = pg_catalog, public
     set plan_cache_mode = 'force_generic_plan' set enable_seqscan = off as $$
   declare
     known int;
   begin
     perform public.log_check_producer(p_topics, p_keys, p_values);

${ONE_RECORD}
${LOCK_COUNTERS}
     if exists (select 1 from (select u.v, first_value(u.v) over (partition by u.t, u.id order by u.place) as first, one.value
                                 from ${GIVEN} left join lateral (${IN_LOG}) one on true) looked
                 where looked.value <> looked.v or looked.first <> looked.v) then
       raise exception 'an event id is in the log with other bytes' using errcode = 'SV003';
     end if;

     return query
     with given as materialized (
       select u.*, one.at, one.at is null and row_number() over same = 1 as is_new, first_value(u.place) over same as first
         from ${GIVEN} left join lateral (${IN_LOG}) one on true
       window same as (partition by u.t, u.id order by u.place)
     ), numbered as materialized (
       select g.*, row_number() over (partition by g.t, g.p order by g.place) - 1
                   + (select lp.next_offset from public.log_partition lp where lp.topic = g.t and lp.partition = g.p limit 1) as o
         from given g where g.is_new
     ), written as (
       insert into public.log_record (topic, partition, "offset", event_id, key, type, headers, value, producer)
       select t, p, o, id, k, ty, h::jsonb, v, session_user from numbered order by t, p, o
     ), counted as (
       update public.log_partition lp set next_offset = c.next
         from (select t, p, max(o) + 1 as next from numbered group by t, p) c
        where lp.topic = c.t and lp.partition = c.p
     )
     select g.place::int - 1, coalesce(g.at, m.o), not g.is_new
       from given g left join numbered m on m.place = g.first order by g.place;
   end $$`,
];
