import { LOCK_COUNTERS, ONE_RECORD } from './append-function.js';

/**
 * The same function, whose cost does not depend on how long the log is. Looked for as a set, the ids of several records were joined with the log,
 * by a plan that was made while the log was short and then read all of it for every append, until the table was analysed. One after the other
 * they are looked up by their index. The order of locks stays: all counters first, by topic and partition.
 */
export const appendEach = [
  `create or replace function log_append(
       p_topics text[], p_partitions int[], p_event_ids uuid[], p_keys text[], p_types text[], p_headers text[], p_values bytea[])
     returns table (n int, "offset" bigint, duplicate boolean)
     language plpgsql volatile security definer set search_path = pg_catalog, public set plan_cache_mode = 'force_generic_plan' as $$
   declare
     known int;
     given record;
   begin
     perform public.log_check_producer(p_topics, p_keys, p_values);

${ONE_RECORD}
${LOCK_COUNTERS}
     for given in
       select * from unnest(p_topics, p_partitions, p_event_ids, p_keys, p_types, p_headers, p_values)
                with ordinality as u(t, p, id, k, ty, h, v, place) order by place
     loop
       select one."offset", one.duplicate into "offset", duplicate
         from public.log_append_one(given.t, given.p, given.id, given.k, given.ty, given.h, given.v) one;
       n := given.place - 1;
       return next;
     end loop;
   end $$`,
];
