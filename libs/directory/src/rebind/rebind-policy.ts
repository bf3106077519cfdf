import { oneRow, type Queryable } from '@sever/postgres';

/**
 * What a connection wants when somebody is created under the user name of somebody inactive. `externalId`: only the same `externalId` makes
 * it the same person, anybody else gets the name and inherits nothing · `manual`: where `externalId` does not say, an operator does ·
 * `never`: whoever is created is somebody new.
 */
export type RebindPolicy = 'externalId' | 'manual' | 'never';
export const REBIND_POLICIES = ['externalId', 'manual', 'never'] as const satisfies readonly RebindPolicy[];

export async function rebindPolicyOf(on: Queryable, connection: string): Promise<RebindPolicy> {
  const row = await oneRow<{ rebind: RebindPolicy }>(on, 'select rebind from connection where id = $1', [
    connection,
  ]);
  return row?.rebind ?? 'externalId';
}

export async function setRebindPolicy(
  on: Queryable,
  connection: string,
  policy: RebindPolicy,
): Promise<void> {
  await on.query('update connection set rebind = $2 where id = $1', [connection, policy]);
}
