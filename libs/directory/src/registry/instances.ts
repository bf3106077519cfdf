import type { PlannedStep, Step } from '@sever/event-contracts';
import { oneRow, rows, type Queryable } from '@sever/postgres';
import { instantSql } from '../instant-sql.js';
import { DirectoryError } from '../directory-error.js';

/** How a tenant's people are found in an instance; `scope` limits a shared instance to one tenant's accounts. */
export type Match = { by: 'userName' | 'externalId'; scope?: Readonly<Record<string, string>> };

export type Instance = { id: string; system: string; settings: unknown; steps: PlannedStep[] };
export type Binding = { tenant: string; instance: string; match: Match };
export type BindingWaiver = {
  tenant: string;
  instance: string;
  step: Step;
  owner: string;
  reason: string;
  expiresAt: string | null;
};

/** One bound instance with what a new opt-out must know of it. */
export type BoundTarget = {
  instance: string;
  system: string;
  steps: PlannedStep[];
  waivers: Omit<BindingWaiver, 'tenant' | 'instance'>[];
};

/** Makes an instance or brings its settings and capabilities up to date. */
export async function putInstance(on: Queryable, i: Instance): Promise<void> {
  await on.query(
    `insert into instance (id, system, settings, steps) values ($1, $2, $3, $4)
     on conflict (id) do update set settings = excluded.settings, steps = excluded.steps`,
    [i.id, i.system, JSON.stringify(i.settings), JSON.stringify(i.steps)],
  );
}

export const findInstance = (on: Queryable, id: string): Promise<Instance | undefined> =>
  oneRow<Instance>(on, 'select id, system, settings, steps from instance where id = $1', [id]);

/**
 * Ties a tenant to an instance; a tie that is there stays as it is.
 * @throws DirectoryError `instance.unknown`; `binding.scope-required` when two tenants would share an instance without a scope each
 */
export async function bindInstance(on: Queryable, b: Binding): Promise<void> {
  await requireBindable(on, b);
  await on.query('insert into binding (tenant, instance, match) values ($1, $2, $3) on conflict do nothing', [
    b.tenant,
    b.instance,
    JSON.stringify(b.match),
  ]);
}

/**
 * Ties a tenant to an instance, or brings the match of their tie up to date.
 * @throws DirectoryError as {@link bindInstance}
 */
export async function putBinding(on: Queryable, b: Binding): Promise<void> {
  await requireBindable(on, b);
  await on.query(
    `insert into binding (tenant, instance, match) values ($1, $2, $3)
     on conflict (tenant, instance) do update set match = excluded.match`,
    [b.tenant, b.instance, JSON.stringify(b.match)],
  );
}

async function requireBindable(on: Queryable, b: Binding): Promise<void> {
  if (!(await findInstance(on, b.instance)))
    throw new DirectoryError('instance.unknown', `there is no instance ${b.instance}; register it first`);
  const others = await rows<{ match: Match }>(
    on,
    'select match from binding where instance = $1 and tenant <> $2',
    [b.instance, b.tenant],
  );
  if (others.length > 0 && [...others.map(o => o.match), b.match].some(match => !match.scope))
    throw new DirectoryError(
      'binding.scope-required',
      `instance ${b.instance} serves another tenant; give each binding a scope so that neither touches the other's accounts`,
    );
}

export const findBinding = (on: Queryable, tenant: string, instance: string): Promise<Binding | undefined> =>
  oneRow<Binding>(on, 'select tenant, instance, match from binding where tenant = $1 and instance = $2', [
    tenant,
    instance,
  ]);

/** Records that a named owner accepts a step that an instance cannot do. */
export async function addBindingWaiver(on: Queryable, w: BindingWaiver): Promise<void> {
  await on.query(
    `insert into binding_waiver (tenant, instance, step, owner, reason, expires_at) values ($1, $2, $3, $4, $5, $6)
     on conflict (tenant, instance, step) do update set owner = excluded.owner, reason = excluded.reason, expires_at = excluded.expires_at`,
    [w.tenant, w.instance, w.step, w.owner, w.reason, w.expiresAt],
  );
}

/** Removes the waivers of a binding except those of the given steps. */
export async function keepBindingWaivers(
  on: Queryable,
  b: Pick<Binding, 'tenant' | 'instance'>,
  steps: readonly Step[],
): Promise<void> {
  await on.query('delete from binding_waiver where tenant = $1 and instance = $2 and step <> all($3)', [
    b.tenant,
    b.instance,
    [...steps],
  ]);
}

/** What a tenant is bound to now, with its plans and standing waivers. */
export const boundTargets = async (on: Queryable, tenant: string): Promise<BoundTarget[]> =>
  (await boundTargetsOf(on, [tenant]))[0] ?? [];

/** The same of several tenants, in their order. */
export async function boundTargetsOf(on: Queryable, tenants: readonly string[]): Promise<BoundTarget[][]> {
  const found = await rows<BoundTarget & { tenant: string }>(
    on,
    `select b.tenant, i.id as instance, i.system, i.steps,
            coalesce((select jsonb_agg(jsonb_build_object('step', w.step, 'owner', w.owner, 'reason', w.reason,
                        'expiresAt', ${instantSql('w.expires_at')}) order by w.step)
                        from binding_waiver w where w.tenant = b.tenant and w.instance = b.instance
                         and (w.expires_at is null or w.expires_at > clock_timestamp())), '[]') as waivers
       from binding b join instance i on i.id = b.instance where b.tenant = any($1) order by i.id`,
    [[...new Set(tenants)]],
  );
  const byTenant = Map.groupBy(found, target => target.tenant);
  return tenants.map(asked => (byTenant.get(asked) ?? []).map(({ tenant: _, ...target }) => target));
}
