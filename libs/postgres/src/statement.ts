import type { Queryable } from './sql.js';

/** A statement that was not sent yet: `$1` … in its text stand for its own parameters. */
export type Statement = { sql: string; parameters: readonly unknown[] };

/** Sends a statement whose answer does not matter. */
export async function execute(on: Queryable, statement: Statement): Promise<void> {
  await on.query(statement.sql, [...statement.parameters]);
}

/** The text with its placeholders counted from `first` on, so that it can stand beside others in one statement. */
export function numberedFrom(first: number, sql: string): string {
  return sql.replace(/\$(\d+)/g, (_, n: string) => `$${Number(n) + first - 1}`);
}
