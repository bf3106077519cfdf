import { activePeopleOf, askerOf, requireTenant, sourcesOf, type SourceView } from '@sever/directory';
import type { Asker } from '@sever/event-contracts';
import { GOVERNOR_DEFAULTS, effectiveLimit, type EffectiveLimit } from '@sever/opt-out';
import type { IngressContext } from '../ingress-context.js';

/** One source as operators see it. `limit` is the one that counts now, `rule` the one it comes from. */
export type GovernedSourceView = Omit<SourceView, 'source'> & {
  source: Asker;
  people: number;
} & EffectiveLimit;

/** The guard against mass deprovisioning in one tenant. */
export type GovernorOverview = { governor: 'on' | 'off'; tenant: string; items: GovernedSourceView[] };

/**
 * What each source of a tenant did within its window, what it may do, and how many opt-outs wait for an operator.
 * @throws DirectoryError tenant.unknown
 */
export async function governorOverview(context: IngressContext, tenant: string): Promise<GovernorOverview> {
  await requireTenant(context.dataSource, tenant);
  const defaults = context.governor.limits ?? GOVERNOR_DEFAULTS;
  const items: GovernedSourceView[] = [];
  for (const { source, ...view } of await sourcesOf(context.dataSource, tenant, defaults)) {
    const people = (await activePeopleOf(context.dataSource, { tenant, source })) + view.optOuts;
    const limits = { ...defaults, ...view };
    items.push({ source: askerOf(source), people, ...view, ...effectiveLimit(limits, people) });
  }
  return { governor: context.governor.limits ? 'on' : 'off', tenant, items };
}
