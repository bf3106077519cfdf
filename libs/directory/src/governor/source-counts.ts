import { binaryArray, oneRow, plannedForOne, rows, type Queryable } from '@sever/postgres';
import { askerOf, ANY_SOURCE, type GovernedSource } from './governed-source.js';

/** Limits that may be chosen for a source, in the units of their names. */
export type ChosenLimits = { windowSeconds: number; maxOptOuts: number; percent: number };

/** A question of the governor: who else was opted out by this source within its window. */
export type SourceQuestion = GovernedSource & {
  /** People whom the asker counts itself. */
  apart: readonly string[];
};

/** The limits of the source, and the people counted, at most one more than the maximum. */
export type SourceCount = ChosenLimits & { others: number };

const LIMITS = ['window_seconds', 'max_opt_outs', 'percent'] as const;
const chosen = (place: number): string =>
  LIMITS.map((name, i) => `coalesce(own.${name}, anybody.${name}, $${place + i}::int) as ${name}`).join(', ');

/** Limits of each source in `q`: its own, else the tenant's, else those given from parameter `place` on. */
const limitsOf = (
  place: number,
): string => `left join governor_limit own on own.tenant = q.tenant and own.source = q.source
  left join governor_limit anybody on anybody.tenant = q.tenant and anybody.source = '${ANY_SOURCE}'
  cross join lateral (select ${chosen(place)}) l`;

const COUNT = `select q.n::int - 1 as n, l.window_seconds as "windowSeconds", l.max_opt_outs as "maxOptOuts", l.percent,
    (select count(*)::int from (select 1 from standing_opt_out s
        where s.tenant = q.tenant and s.counts_for = q.source
          and s.since > statement_timestamp() - make_interval(secs => l.window_seconds) and s.subject <> all(once.apart)
        limit l.max_opt_outs + 1) counted) as others
  from unnest($1::text[], $2::text[], $3::text[]) with ordinality q(tenant, source, apart, n) ${limitsOf(4)}
  cross join lateral (select q.apart::uuid[] as apart offset 0) once
 where ${plannedForOne('q.n')}`;

/** Answers several questions in their order. What was committed before is counted. */
export async function countsOfSources(
  on: Queryable,
  questions: readonly SourceQuestion[],
  defaults: ChosenLimits,
): Promise<SourceCount[]> {
  const found = await rows<SourceCount & { n: number }>(on, COUNT, [
    binaryArray('text', questions, q => q.tenant),
    binaryArray('text', questions, q => q.source),
    binaryArray('text', questions, q => `{${q.apart.join(',')}}`),
    ...[defaults.windowSeconds, defaults.maxOptOuts, defaults.percent],
  ]);
  const answers: SourceCount[] = [];
  for (const { n, ...count } of found) answers[n] = count;
  return answers;
}

/** People whom a connection holds as active; for a principal of the REST door, all of the tenant. */
export async function activePeopleOf(on: Queryable, { tenant, source }: GovernedSource): Promise<number> {
  const { kind, id } = askerOf(source);
  const row =
    kind === 'connection'
      ? await oneRow<{ n: number }>(
          on,
          'select count(*)::int as n from scim_resource where connection = $1 and deleted_at is null and active',
          [id],
        )
      : await oneRow<{ n: number }>(
          on,
          'select count(distinct subject)::int as n from scim_resource where tenant = $1 and deleted_at is null and active',
          [tenant],
        );
  return row?.n ?? 0;
}

/** A source with what it did of late. */
export type SourceView = ChosenLimits & { source: string; optOuts: number; waiting: number };

/** Sources of a tenant: its connections in use, and whoever else opened opt-outs of late or has some that wait. */
export const sourcesOf = (on: Queryable, tenant: string, defaults: ChosenLimits): Promise<SourceView[]> =>
  rows<SourceView>(
    on,
    `select q.source, l.window_seconds as "windowSeconds", l.max_opt_outs as "maxOptOuts", l.percent,
            (select count(*)::int from standing_opt_out s where s.tenant = q.tenant and s.counts_for = q.source
                and s.since > statement_timestamp() - make_interval(secs => l.window_seconds)) as "optOuts",
            (select count(*)::int from standing_opt_out s where s.tenant = q.tenant and s.counts_for = q.source and s.staged) as waiting
       from (select tenant, 'connection:' || id as source from connection where tenant = $1 and retired_at is null
             union select tenant, counts_for from standing_opt_out where tenant = $1 and counts_for is not null
              and (staged or since > statement_timestamp() - make_interval(secs => greatest($2,
                    (select max(window_seconds) from governor_limit where tenant = $1))))) q
       ${limitsOf(2)} order by q.source`,
    [tenant, defaults.windowSeconds, defaults.maxOptOuts, defaults.percent],
  );
