import { oneRow, rows, type Queryable } from '@sever/postgres';
import {
  SqlParameters,
  behindKeySql,
  directionSql,
  noSortKey,
  sortKeyOf,
  type Filter,
  type Place,
  type SharedSort,
  type SortKey,
  type SqlStore,
} from '@sever/scim';
import { groupsFrom } from '../groups/query-groups.js';
import { partBehind, type Part, type PlaceOfRow, type Window } from './query-page.js';
import { usersFrom } from './query-resources.js';

/** What is asked of one type: how its rows are read, and which of them are meant. */
export type TypeQuery = { store: SqlStore; filter: Filter | undefined };

/** Users and groups in one order; the paths of `sort` are theirs, in this order. */
export type TogetherQuery = { users: TypeQuery; groups: TypeQuery; sort: SharedSort; window: Window };

/** One resource of a list over both types. */
export type Mixed = { type: 'User' | 'Group'; id: string };

type Branch = { type: Mixed['type']; from: string; key: SortKey };

/**
 * A part of the users and groups of a connection, sorted together and then by age. Each table gives no more rows than the part can
 * need; the database merges them.
 */
export async function queryTogether(
  on: Queryable,
  connection: string,
  query: TogetherQuery,
): Promise<Part<Mixed>> {
  const parameters = new SqlParameters([connection]);
  const branches = branchesOf(query, parameters);
  const { isDescending } = query.sort;
  return 'offset' in query.window
    ? byIndex(on, branches, isDescending, parameters, query.window)
    : byPlace(on, branches, isDescending, parameters, query.window);
}

function branchesOf({ users, groups, sort }: TogetherQuery, parameters: SqlParameters): Branch[] {
  const [ofUsers, ofGroups] = sort.paths;
  const keys = [
    ofUsers && sortKeyOf(ofUsers, users.store),
    ofGroups && sortKeyOf(ofGroups, groups.store),
  ] as const;
  const { type } = keys[0] ?? keys[1] ?? { type: 'text' };
  const [userKey, groupKey] = keys.map(key => key ?? noSortKey(type)) as [SortKey, SortKey];
  return [
    { type: 'User', from: usersFrom(users.filter, users.store, parameters), key: userKey },
    { type: 'Group', from: groupsFrom(groups.filter, groups.store, parameters), key: groupKey },
  ];
}

async function byIndex(
  on: Queryable,
  branches: readonly Branch[],
  isDescending: boolean,
  parameters: SqlParameters,
  { offset, limit }: { offset: number; limit: number },
): Promise<Part<Mixed>> {
  const counts = branches.map(({ from }) => `(select count(*) ${from})`);
  const counted = await oneRow<{ total: string }>(on, `select ${counts.join(' + ')} as total`, [
    ...parameters.values,
  ]);
  const total = Number(counted?.total ?? 0);
  if (limit === 0 || offset >= total) return { items: [], total, next: undefined };
  const most = parameters.bind(offset + limit);
  const page = `${mergedSql(branches, isDescending, () => '', most)} offset ${parameters.bind(offset)} limit ${parameters.bind(limit)}`;
  const items = await rows<Mixed>(on, `select type, id ${page}`, parameters.values);
  return { items, total, next: undefined };
}

async function byPlace(
  on: Queryable,
  branches: readonly Branch[],
  isDescending: boolean,
  parameters: SqlParameters,
  { after, limit }: { after: Place | null; limit: number },
): Promise<Part<Mixed>> {
  const behind = ({ key }: Branch): string =>
    after ? `and ${behindKeySql(after, key, isDescending, parameters)}` : '';
  // One more than asked for: it tells whether anything follows.
  const most = parameters.bind(limit + 1);
  const found = await rows<Mixed & PlaceOfRow>(
    on,
    `select type, id, created_at::text as "placeCreatedAt", key::text as "placeKey"
      ${mergedSql(branches, isDescending, behind, most)} limit ${most}`,
    parameters.values,
  );
  const { items, ...part } = partBehind(found, limit);
  return { ...part, items: items.map(({ type, id }) => ({ type, id })) };
}

/** The branches in one order, the first `most` rows of each. */
function mergedSql(
  branches: readonly Branch[],
  isDescending: boolean,
  behind: (branch: Branch) => string,
  most: string,
): string {
  const order = `order by key ${directionSql(isDescending)}, created_at, id`;
  const selects = branches.map(
    branch =>
      `(select '${branch.type}' as type, id, created_at, ${branch.key.sql} as key ${branch.from} ${behind(branch)} ${order} limit ${most})`,
  );
  return `from (${selects.join(' union all ')}) as merged ${order}`;
}
