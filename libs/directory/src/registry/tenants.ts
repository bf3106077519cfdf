import { oneRow, type Queryable } from '@sever/postgres';
import { DirectoryError } from '../directory-error.js';
import { isRegistryId } from './registry-id.js';

/** Makes a tenant unless it is there. @throws DirectoryError `connection.invalid` for a name that cannot be one */
export async function ensureTenant(on: Queryable, tenant: string): Promise<void> {
  if (!isRegistryId(tenant))
    throw new DirectoryError(
      'connection.invalid',
      'a tenant id has 1 to 63 lower-case letters, digits and hyphens',
    );
  await on.query('insert into tenant (id) values ($1) on conflict do nothing', [tenant]);
}

export const tenantExists = async (on: Queryable, tenant: string): Promise<boolean> =>
  (await oneRow(on, 'select 1 as one from tenant where id = $1', [tenant])) !== undefined;

/**
 * Of a name that was mistyped nothing is known, and an empty answer would say that nothing happened.
 * @throws DirectoryError `tenant.unknown`
 */
export async function requireTenant(on: Queryable, tenant: string): Promise<void> {
  if (!(await tenantExists(on, tenant)))
    throw new DirectoryError('tenant.unknown', `there is no tenant ${tenant.slice(0, 80)}`);
}
