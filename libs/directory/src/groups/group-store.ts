import { oneRow, rows, type Queryable } from '@sever/postgres';
import { normalisedText, type JsonObject } from '@sever/scim';
import { isUuid } from '../resources/uuid.js';

/** A SCIM Group of one connection as it is stored; `attributes` in canonical form, without `id`, `schemas`, `meta` and `members`. */
export type StoredGroup = {
  connection: string;
  id: string;
  tenant: string;
  attributes: JsonObject;
  memberCount: number;
  version: number;
  createdAt: Date;
  modifiedAt: Date;
};

/** Columns of a {@link StoredGroup}. */
export const GROUP_COLUMNS = `connection, id, tenant, attributes, member_count as "memberCount", version,
  created_at as "createdAt", modified_at as "modifiedAt"`;

/** One group by id, without its members; any text is a possible id. `lock` keeps the group and its members until the transaction ends. */
export async function findGroup(
  on: Queryable,
  connection: string,
  id: string,
  o: { lock?: boolean } = {},
): Promise<StoredGroup | undefined> {
  if (!isUuid(id)) return undefined;
  return oneRow<StoredGroup>(
    on,
    `select ${GROUP_COLUMNS} from scim_group where connection = $1 and id = $2 and deleted_at is null ${o.lock ? 'for update' : ''}`,
    [connection, id],
  );
}

/** Several groups by id, without their members; those that are gone are left out. @param ids uuids */
export const findGroups = (
  on: Queryable,
  connection: string,
  ids: readonly string[],
): Promise<StoredGroup[]> =>
  rows<StoredGroup>(
    on,
    `select ${GROUP_COLUMNS} from scim_group where connection = $1 and id = any($2::uuid[]) and deleted_at is null`,
    [connection, ids],
  );

/**
 * Stores a new group, whose members are stored already.
 * @param o.isNameUnique whether the name is refused to other groups of the connection (a unique violation)
 */
export async function insertGroup(
  on: Queryable,
  group: Pick<StoredGroup, 'connection' | 'id' | 'tenant' | 'attributes' | 'memberCount'>,
  o: { isNameUnique: boolean },
): Promise<StoredGroup> {
  const { name, externalId } = keysOf(group.attributes);
  const [row] = await rows<StoredGroup>(
    on,
    `insert into scim_group (connection, id, tenant, attributes, display_name_norm, claimed_name, external_id, member_count)
     values ($1, $2, $3, $4, $5, $6, $7, $8) returning ${GROUP_COLUMNS}`,
    [
      group.connection,
      group.id,
      group.tenant,
      JSON.stringify(group.attributes),
      name,
      o.isNameUnique ? name : null,
      externalId,
      group.memberCount,
    ],
  );
  if (!row) throw new Error('the inserted group was not returned');
  return row;
}

/** Writes the attributes and the number of members of a locked group as its next version. */
export async function updateGroup(
  on: Queryable,
  group: StoredGroup,
  o: { isNameUnique: boolean },
): Promise<StoredGroup> {
  const { name, externalId } = keysOf(group.attributes);
  const [row] = await rows<StoredGroup>(
    on,
    `update scim_group set attributes = $3, display_name_norm = $4, claimed_name = $5, external_id = $6, member_count = $7,
        version = version + 1, modified_at = clock_timestamp() where connection = $1 and id = $2 returning ${GROUP_COLUMNS}`,
    [
      group.connection,
      group.id,
      JSON.stringify(group.attributes),
      name,
      o.isNameUnique ? name : null,
      externalId,
      group.memberCount,
    ],
  );
  if (!row) throw new Error('the updated group was not returned');
  return row;
}

/** Hides a locked group for good; its name is free again. Its members are taken out beforehand. */
export async function removeGroup(on: Queryable, connection: string, id: string): Promise<void> {
  await on.query(
    'update scim_group set deleted_at = clock_timestamp(), member_count = 0, version = version + 1 where connection = $1 and id = $2',
    [connection, id],
  );
}

function keysOf(attributes: JsonObject): { name: string; externalId: string | null } {
  return {
    name: normalisedText(String(attributes.displayName)),
    externalId: typeof attributes.externalId === 'string' ? attributes.externalId : null,
  };
}
