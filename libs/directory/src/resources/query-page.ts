import { oneRow, rows, type Queryable } from '@sever/postgres';
import {
  keysetSql,
  placeSql,
  sortSql,
  type Filter,
  type Place,
  type Sort,
  type SqlParameters,
  type SqlStore,
} from '@sever/scim';

/** A part of a list: from an index (0-based), or behind a place, where null is the beginning. */
export type Window = { limit: number } & ({ offset: number } | { after: Place | null });

export type ListQuery = { filter: Filter | undefined; sort: Sort | undefined; window: Window };

/** A part of a list. Only a window by index is counted (`total`); only one by place says where the next part begins (`next`). */
export type Part<Row> = { items: Row[]; total: number | undefined; next: Place | undefined };

/** Where rows come from: a `from … where …` with its parameters, and what is selected. */
export type Source = { columns: string; from: string; parameters: SqlParameters; store: SqlStore };

/** Reads a part of a list, in the order of the query and then of age. */
export function queryPage<Row extends { id: string }>(
  on: Queryable,
  source: Source,
  sort: Sort | undefined,
  window: Window,
): Promise<Part<Row>> {
  const order = `order by ${sort ? `${sortSql(sort, source.store)}, ` : ''}created_at, id`;
  return 'offset' in window
    ? byIndex<Row>(on, source, order, window)
    : byPlace<Row>(on, source, sort, order, window);
}

async function byIndex<Row extends object>(
  on: Queryable,
  { columns, from, parameters }: Source,
  order: string,
  { offset, limit }: { offset: number; limit: number },
): Promise<Part<Row>> {
  const counting = [...parameters.values];
  const count = async (): Promise<number> => {
    const counted = await oneRow<{ total: string }>(on, `select count(*) as total ${from}`, counting);
    return Number(counted?.total ?? 0);
  };
  if (limit === 0) return { total: await count(), items: [], next: undefined };
  const page = `${order} offset ${parameters.bind(offset)} limit ${parameters.bind(limit)}`;
  const items = await rows<Row>(on, `select ${columns} ${from} ${page}`, parameters.values);
  // A page that is not full is the last one: nothing is left to count.
  const isLast = items.length < limit && (items.length > 0 || offset === 0);
  return { total: isLast ? offset + items.length : await count(), items, next: undefined };
}

async function byPlace<Row extends { id: string }>(
  on: Queryable,
  { columns, from, parameters, store }: Source,
  sort: Sort | undefined,
  order: string,
  { after, limit }: { after: Place | null; limit: number },
): Promise<Part<Row>> {
  const behind = after ? ` and ${keysetSql(after, sort, store, parameters)}` : '';
  // One more than asked for: it tells whether anything follows.
  const page = `${order} limit ${parameters.bind(limit + 1)}`;
  const found = await rows<Row & PlaceOfRow>(
    on,
    `select ${columns}, ${placeSql(sort, store)} ${from}${behind} ${page}`,
    parameters.values,
  );
  return partBehind(found, limit);
}

/** Where a row stands in its list. */
export type PlaceOfRow = { id: string; placeCreatedAt: string; placeKey: string | null };

/** A part by place. @param found its rows, and one more where anything follows */
export function partBehind<Row extends PlaceOfRow>(found: readonly Row[], limit: number): Part<Row> {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  const next =
    found.length > limit && last
      ? { id: last.id, createdAt: last.placeCreatedAt, key: last.placeKey }
      : undefined;
  return { items, next, total: undefined };
}
