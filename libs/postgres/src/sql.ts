import type { DataSource, EntityManager } from 'typeorm';

/** Either the pool or a running transaction. */
export type Queryable = DataSource | EntityManager;

/** Rows of a statement. TypeORM answers `[rows, count]` for UPDATE and DELETE and plain rows otherwise; this hides it. */
export async function rows<T extends object>(
  on: Queryable,
  sql: string,
  parameters: readonly unknown[] = [],
): Promise<T[]> {
  const raw: unknown = await on.query(sql, [...parameters]);
  return (isRowsAndCount(raw) ? raw[0] : raw) as T[];
}

/** The only or first row, or undefined. */
export async function oneRow<T extends object>(
  on: Queryable,
  sql: string,
  parameters: readonly unknown[] = [],
): Promise<T | undefined> {
  return (await rows<T>(on, sql, parameters))[0];
}

/** Number of rows that an UPDATE or DELETE changed. */
export async function changed(
  on: Queryable,
  sql: string,
  parameters: readonly unknown[] = [],
): Promise<number> {
  const raw: unknown = await on.query(sql, [...parameters]);
  if (!isRowsAndCount(raw)) throw new TypeError('changed() is for UPDATE and DELETE statements');
  return raw[1];
}

function isRowsAndCount(raw: unknown): raw is [unknown[], number] {
  return Array.isArray(raw) && raw.length === 2 && Array.isArray(raw[0]) && typeof raw[1] === 'number';
}
