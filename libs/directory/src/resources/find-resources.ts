import { binaryArray, plannedForOne, rows, type Queryable } from '@sever/postgres';
import { RESOURCE_COLUMNS, type StoredResource } from './scim-resource-store.js';
import { isUuid } from './uuid.js';

/** Where a resource is looked for; any text is a possible id, most are nobody's. */
export type ResourceKey = { connection: string; id: string };

const FIND = `select q.n::int - 1 as n, found.* from unnest($1::text[], $2::uuid[]) with ordinality q(q_connection, q_id, n)
  cross join lateral (select ${RESOURCE_COLUMNS} from scim_resource where connection = q_connection and id = q_id and deleted_at is null limit 1) found
  where ${plannedForOne('q.n')}`;

/** Several resources by id, in the order of the keys. */
export async function findResources(
  on: Queryable,
  keys: readonly ResourceKey[],
): Promise<(StoredResource | undefined)[]> {
  const asked = keys.flatMap((key, at) => (isUuid(key.id) ? [{ ...key, at }] : []));
  const answers: (StoredResource | undefined)[] = keys.map(() => undefined);
  if (asked.length === 0) return answers;
  const found = await rows<StoredResource & { n: number }>(on, FIND, [
    binaryArray('text', asked, key => key.connection),
    binaryArray('uuid', asked, key => key.id),
  ]);
  for (const { n, ...resource } of found) answers[asked[n]!.at] = resource;
  return answers;
}
