/** Locks the counters of everything that is appended to, in one order for all. */
export const LOCK_COUNTERS = `\
     perform 1 from public.log_partition lp
       where (lp.topic, lp.partition) in (select * from unnest(p_topics, p_partitions))
       order by lp.topic, lp.partition for update;
     get diagnostics known = row_count;
     if known <> (select count(distinct (t, p)) from unnest(p_topics, p_partitions) as u(t, p)) then
       raise exception 'the log has no such topic or partition' using errcode = 'SV002';
     end if;
`;

/** A single record, which is what nearly every producer appends, takes the same steps as plain statements. */
export const ONE_RECORD = `\
     if cardinality(p_topics) = 1 then
       return query select * from public.log_append_one(
         p_topics[1], p_partitions[1], p_event_ids[1], p_keys[1], p_types[1], p_headers[1], p_values[1]);
       return;
     end if;
`;

/**
 * The only way into the log. VOLATILE plpgsql takes a new snapshot per statement, which the order of the four statements
 * needs: ids committed by the previous holder of a counter's lock are seen, and offsets stay dense after a rollback.
 * Who may append what follows from the session's role: ingress and coordinator write requests, a connector instance writes
 * its own outcomes for tenants bound to it, the owner everything.
 */
export const appendFunction = [
  `create function log_check_producer(p_topics text[], p_keys text[], p_values bytea[]) returns void
     language plpgsql stable security definer set search_path = pg_catalog, public as $$
   declare
     who text := session_user;
     instance text := public.sever_instance();
   begin
     if pg_has_role(who, 'sever_connector', 'member') and not (select rolsuper from pg_roles where rolname = who) then
       if instance is null or exists (select 1 from unnest(p_topics) t where t <> 'outcomes') then
         raise exception 'role % may append outcomes only', who using errcode = 'SV001';
       end if;
       if exists (select 1 from unnest(p_values) v
                   where convert_from(v, 'UTF8')::jsonb ->> 'source' is distinct from '/connectors/' || instance) then
         raise exception 'role % may append outcomes of instance % only', who, instance using errcode = 'SV001';
       end if;
     elsif pg_has_role(who, 'sever_ingress', 'member') or pg_has_role(who, 'sever_coordinator', 'member') then
       if not (select rolsuper from pg_roles where rolname = who)
          and exists (select 1 from unnest(p_topics) t where t <> 'requests') then
         raise exception 'role % may append requests only', who using errcode = 'SV001';
       end if;
     elsif not pg_has_role(who, (select relowner from pg_class where oid = 'public.log_partition'::regclass), 'member') then
       raise exception 'role % may not append', who using errcode = 'SV001';
     end if;
   end $$`,
  `create function log_append(
       p_topics text[], p_partitions int[], p_event_ids uuid[], p_keys text[], p_types text[], p_headers text[], p_values bytea[])
     returns table (n int, "offset" bigint, duplicate boolean)
     language plpgsql volatile security definer set search_path = pg_catalog, public as $$
   declare
     known int;
   begin
     perform public.log_check_producer(p_topics, p_keys, p_values);

${LOCK_COUNTERS}
     if exists (select 1 from unnest(p_topics, p_event_ids, p_values) as u(t, id, v)
                 join public.log_record r on r.topic = u.t and r.event_id = u.id where r.value <> u.v) then
       raise exception 'an event id is in the log with other bytes' using errcode = 'SV003';
     end if;

     return query
     with given as (
       select u.*, exists (select 1 from public.log_record r where r.topic = u.t and r.event_id = u.id)
                   or row_number() over (partition by u.t, u.id order by u.i) > 1 as seen
         from unnest(p_topics, p_partitions, p_event_ids, p_keys, p_types, p_headers, p_values)
              with ordinality as u(t, p, id, k, ty, h, v, i)
     ), numbered as (
       select g.*, lp.next_offset + row_number() over (partition by g.t, g.p order by g.i) - 1 as o
         from given g join public.log_partition lp on lp.topic = g.t and lp.partition = g.p
        where not g.seen
     ), written as (
       insert into public.log_record (topic, partition, "offset", event_id, key, type, headers, value, producer)
       select t, p, o, id, k, ty, h::jsonb, v, session_user from numbered order by t, p, o
     ), counted as (
       update public.log_partition lp set next_offset = c.next
         from (select t, p, max(o) + 1 as next from numbered group by t, p) c
        where lp.topic = c.t and lp.partition = c.p
     )
     select g.i::int - 1, coalesce(m.o, r."offset"), g.seen
       from given g
       left join numbered m on m.i = g.i
       left join public.log_record r on g.seen and r.topic = g.t and r.event_id = g.id
      order by g.i;
   end $$`,
  `revoke all on function log_append(text[], int[], uuid[], text[], text[], text[], bytea[]) from public`,
  `revoke all on function log_check_producer(text[], text[], bytea[]) from public`,
  `grant execute on function log_append(text[], int[], uuid[], text[], text[], text[], bytea[])
     to sever_ingress, sever_coordinator, sever_connector`,
];

/**
 * The same function, cheaper: plans are made once per session instead of once per call, and a single record, which is what nearly
 * every producer appends, takes the same steps as plain statements. The steps and their order are those of {@link appendFunction}.
 */
export const appendFunctionFast = [
  `alter function log_check_producer(text[], text[], bytea[]) set plan_cache_mode = 'force_generic_plan'`,
  `create function log_append_one(
       p_topic text, p_partition int, p_event_id uuid, p_key text, p_type text, p_headers text, p_value bytea)
     returns table (n int, "offset" bigint, duplicate boolean)
     language plpgsql volatile set search_path = pg_catalog, public set plan_cache_mode = 'force_generic_plan' as $$
   declare
     free bigint;
     known record;
   begin
     select lp.next_offset into free from public.log_partition lp
       where lp.topic = p_topic and lp.partition = p_partition for update;
     if not found then
       raise exception 'the log has no such topic or partition' using errcode = 'SV002';
     end if;
     n := 0;
     select r."offset" as at, r.value into known from public.log_record r where r.topic = p_topic and r.event_id = p_event_id;
     duplicate := found;
     if duplicate then
       if known.value <> p_value then
         raise exception 'an event id is in the log with other bytes' using errcode = 'SV003';
       end if;
       "offset" := known.at;
     else
       insert into public.log_record (topic, partition, "offset", event_id, key, type, headers, value, producer)
         values (p_topic, p_partition, free, p_event_id, p_key, p_type, p_headers::jsonb, p_value, session_user);
       update public.log_partition lp set next_offset = free + 1 where lp.topic = p_topic and lp.partition = p_partition;
       "offset" := free;
     end if;
     return next;
   end $$`,
  `revoke all on function log_append_one(text, int, uuid, text, text, text, bytea) from public`,
  `create or replace function log_append(
       p_topics text[], p_partitions int[], p_event_ids uuid[], p_keys text[], p_types text[], p_headers text[], p_values bytea[])
     returns table (n int, "offset" bigint, duplicate boolean)
     language plpgsql volatile security definer set search_path = pg_catalog, public set plan_cache_mode = 'force_generic_plan' as $$
   declare
     known int;
   begin
     perform public.log_check_producer(p_topics, p_keys, p_values);

${ONE_RECORD}
${LOCK_COUNTERS}
     if exists (select 1 from unnest(p_topics, p_event_ids, p_values) as u(t, id, v)
                 join public.log_record r on r.topic = u.t and r.event_id = u.id where r.value <> u.v) then
       raise exception 'an event id is in the log with other bytes' using errcode = 'SV003';
     end if;

     return query
     with given as (
       select u.*, exists (select 1 from public.log_record r where r.topic = u.t and r.event_id = u.id)
                   or row_number() over (partition by u.t, u.id order by u.i) > 1 as seen
         from unnest(p_topics, p_partitions, p_event_ids, p_keys, p_types, p_headers, p_values)
              with ordinality as u(t, p, id, k, ty, h, v, i)
     ), numbered as (
       select g.*, lp.next_offset + row_number() over (partition by g.t, g.p order by g.i) - 1 as o
         from given g join public.log_partition lp on lp.topic = g.t and lp.partition = g.p
        where not g.seen
     ), written as (
       insert into public.log_record (topic, partition, "offset", event_id, key, type, headers, value, producer)
       select t, p, o, id, k, ty, h::jsonb, v, session_user from numbered order by t, p, o
     ), counted as (
       update public.log_partition lp set next_offset = c.next
         from (select t, p, max(o) + 1 as next from numbered group by t, p) c
        where lp.topic = c.t and lp.partition = c.p
     )
     select g.i::int - 1, coalesce(m.o, r."offset"), g.seen
       from given g
       left join numbered m on m.i = g.i
       left join public.log_record r on g.seen and r.topic = g.t and r.event_id = g.id
      order by g.i;
   end $$`,
];
