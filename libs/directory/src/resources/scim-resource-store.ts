import type { JsonObject } from '@sever/scim';
import { oneRow, rows, type Queryable, type Statement } from '@sever/postgres';
import { GROUPS_SQL, type GroupOfUser } from '../groups/groups-of-users.js';
import { leaveAllGroups } from '../groups/member-store.js';
import { isUuid } from './uuid.js';

/** A SCIM User of one connection as it is stored; `attributes` in canonical form, without `id`, `schemas` and `meta`. */
export type StoredResource = {
  connection: string;
  id: string;
  tenant: string;
  subject: string;
  attributes: JsonObject;
  userNameNorm: string;
  externalId: string | null;
  active: boolean;
  version: number;
  createdAt: Date;
  modifiedAt: Date;
  /** The name, normalised, that it had before the last rename. */
  formerName: string | null;
  /** The groups of which it is a direct member; null for none. */
  groups: GroupOfUser[] | null;
};

/** What a client may store of a resource. */
export type NewResource = Omit<
  StoredResource,
  'version' | 'createdAt' | 'modifiedAt' | 'formerName' | 'groups'
>;

/** Columns of a {@link StoredResource}. */
export const RESOURCE_COLUMNS = `${GROUPS_SQL} as groups, connection, id, tenant, subject, attributes, user_name_norm as "userNameNorm", external_id as "externalId", active, version,
  created_at as "createdAt", modified_at as "modifiedAt", former_name as "formerName"`;

/** One resource by id, locked until the transaction ends; any text is a possible id, most are nobody's. */
export async function findResource(
  on: Queryable,
  connection: string,
  id: string,
): Promise<StoredResource | undefined> {
  if (!isUuid(id)) return undefined;
  return oneRow<StoredResource>(
    on,
    `select ${RESOURCE_COLUMNS} from scim_resource where connection = $1 and id = $2 and deleted_at is null for update`,
    [connection, id],
  );
}

export const findByUserName = (
  on: Queryable,
  connection: string,
  userNameNorm: string,
): Promise<StoredResource | undefined> =>
  oneRow<StoredResource>(
    on,
    `select ${RESOURCE_COLUMNS} from scim_resource where connection = $1 and user_name_norm = $2 and deleted_at is null for update`,
    [connection, userNameNorm],
  );

export const findByExternalId = (
  on: Queryable,
  connection: string,
  externalId: string,
): Promise<StoredResource[]> =>
  rows<StoredResource>(
    on,
    `select ${RESOURCE_COLUMNS} from scim_resource where connection = $1 and external_id = $2 and deleted_at is null order by created_at, id for update`,
    [connection, externalId],
  );

export async function insertResource(on: Queryable, r: NewResource): Promise<StoredResource> {
  const [row] = await rows<StoredResource>(
    on,
    `insert into scim_resource (connection, id, tenant, subject, attributes, user_name_norm, external_id, active)
     values ($1, $2, $3, $4, $5, $6, $7, $8) returning ${RESOURCE_COLUMNS}`,
    [
      r.connection,
      r.id,
      r.tenant,
      r.subject,
      JSON.stringify(r.attributes),
      r.userNameNorm,
      r.externalId,
      r.active,
    ],
  );
  if (!row) throw new Error('the inserted resource was not returned');
  return row;
}

const UPDATE = `update scim_resource set attributes = $3, user_name_norm = $4, external_id = $5, active = $6, version = version + 1,
  modified_at = clock_timestamp()`;
const ONE = 'where connection = $1 and id = $2';

const UPDATE_OF_VERSION = `${UPDATE} ${ONE} and version = $7 and deleted_at is null`;

const updateParameters = (r: StoredResource): unknown[] => [
  r.connection,
  r.id,
  JSON.stringify(r.attributes),
  r.userNameNorm,
  r.externalId,
  r.active,
];

/** The statement of {@link updateResource} for a resource that nobody holds a lock on: it changes only the version that was read. */
export const updateOfVersion = (r: StoredResource): Statement => ({
  sql: `${UPDATE_OF_VERSION} returning ${RESOURCE_COLUMNS}`,
  parameters: [...updateParameters(r), r.version],
});

/** The same, and only while the person never had an opt-out. */
export const updateOfVersionBeforeOptOut = (r: StoredResource): Statement => ({
  sql: `${UPDATE_OF_VERSION} and not exists (select 1 from standing_opt_out s where s.tenant = $8 and s.subject = $9) returning ${RESOURCE_COLUMNS}`,
  parameters: [...updateParameters(r), r.version, r.tenant, r.subject],
});

export async function updateResource(on: Queryable, r: StoredResource): Promise<StoredResource> {
  const [row] = await rows<StoredResource>(
    on,
    `${UPDATE}, former_name = $7, renamed_at = case when former_name is distinct from $7 then clock_timestamp() else renamed_at end
      ${ONE} returning ${RESOURCE_COLUMNS}`,
    [...updateParameters(r), r.formerName],
  );
  if (!row) throw new Error('the updated resource was not returned');
  return row;
}

/** The name under which an inactive user is kept whose own went to somebody else: nobody can ask for it. */
export const releasedName = (r: Pick<StoredResource, 'id' | 'userNameNorm'>): string =>
  `${r.userNameNorm}#released-${r.id}`;

/** Hides a resource for good and takes it out of all groups; its user name is free again, its id is never used again. */
export async function removeResource(on: Queryable, connection: string, id: string): Promise<void> {
  await leaveAllGroups(on, connection, id);
  await on.query(
    `update scim_resource set deleted_at = clock_timestamp(), active = false, version = version + 1 where connection = $1 and id = $2`,
    [connection, id],
  );
}
