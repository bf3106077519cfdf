import { migration } from '@sever/postgres';

/** Of the rows that are not deleted, by what one looks for first. */
const live = (first: string, second: string): string =>
  `(${first}, ${second}) where deleted_at is null and ${first} is not null`;
const AGE = '(connection, created_at, id)';

/** What the new indexes are called, and what of which rows they hold. */
const INDEXES = [
  ['scim_resource', 'unique', 'scim_resource_by_name', live('user_name_norm', 'connection')],
  ['scim_resource', '', 'scim_resource_by_external_id', live('external_id', 'connection')],
  ['scim_resource', '', 'scim_resource_by_tenant_name', live('user_name_norm', 'tenant')],
  ['scim_resource', '', 'scim_resource_by_tenant_external_id', live('external_id', 'tenant')],
  ['scim_resource', '', 'scim_resource_by_display_name', live('display_name_norm', 'connection')],
  ['scim_resource', '', 'scim_resource_by_age', AGE],
  ['scim_group', 'unique', 'scim_group_claimed_name', live('claimed_name', 'connection')],
  ['scim_group', '', 'scim_group_by_name', live('display_name_norm', 'connection')],
  ['scim_group', '', 'scim_group_by_external_id', live('external_id', 'connection')],
  ['scim_group', '', 'scim_group_by_age', AGE],
] as const;

/**
 * A partial index that was made on an empty table counts as empty until the table is analysed, a minute or more after the first users
 * came. One over the connection was then read from end to end for every question about that connection: the more users, the slower. So
 * a partial index can only be used by who names what it is for (`is not null`), and the one by age is not partial.
 */
export const indexOrderMigration = migration(
  1_790_000_003_950,
  'IndexOrder',
  INDEXES.flatMap(([table, kind, name, what]) => [
    `drop index ${name}`,
    `create ${kind} index ${name} on ${table} ${what}`,
  ]),
);
