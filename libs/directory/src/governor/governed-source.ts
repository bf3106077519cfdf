import type { Asker } from '@sever/event-contracts';

/** Who opens opt-outs, as the governor counts: one connection or one principal of the REST door, within one tenant. */
export type GovernedSource = { tenant: string; source: string };

/** Limits under this name count for every source of the tenant that has none of its own. */
export const ANY_SOURCE = '*';

export const sourceOf = (tenant: string, asker: Asker): GovernedSource => ({
  tenant,
  source: `${asker.kind}:${asker.id}`,
});

/** A source as a key of maps. */
export const sourceKey = ({ tenant, source }: GovernedSource): string => `${tenant}\n${source}`;

/** The connection or principal behind the name of a source. */
export function askerOf(source: string): Asker {
  const [kind, ...id] = source.split(':');
  return { kind: kind === 'connection' ? 'connection' : 'api', id: id.join(':') };
}
