import { oneRow, type Queryable } from '@sever/postgres';
import type { ChosenLimits } from './source-counts.js';
import type { GovernedSource } from './governed-source.js';

/** What an operator chose; null where nothing was chosen. */
export type LimitChoice = { [K in keyof ChosenLimits]: number | null };

/** Changes limits of a source; what is not named stays as it is. @returns what is chosen now */
export async function setGovernorLimits(
  on: Queryable,
  { tenant, source }: GovernedSource,
  asked: Partial<LimitChoice> & { reason: string; by: string },
): Promise<LimitChoice> {
  const before = await oneRow<LimitChoice>(
    on,
    `select window_seconds as "windowSeconds", max_opt_outs as "maxOptOuts", percent from governor_limit
      where tenant = $1 and source = $2 for update`,
    [tenant, source],
  );
  const { reason, by, ...named } = asked;
  const chosen = { windowSeconds: null, maxOptOuts: null, percent: null, ...before, ...named };
  await on.query(
    `insert into governor_limit (tenant, source, window_seconds, max_opt_outs, percent, reason, changed_by) values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (tenant, source) do update set window_seconds = excluded.window_seconds, max_opt_outs = excluded.max_opt_outs,
       percent = excluded.percent, reason = excluded.reason, changed_by = excluded.changed_by, changed_at = clock_timestamp()`,
    [tenant, source, chosen.windowSeconds, chosen.maxOptOuts, chosen.percent, reason, by],
  );
  return chosen;
}
