import { partitionOf, type NewRecord } from '@sever/event-log';
import { numberedFrom, rows, type Statement } from '@sever/postgres';
import type { DataSource } from 'typeorm';
import { inLog, logAppendCall, logAppendParameters } from './log-append.js';

/** What the append said of one record, by its place among those given. */
export type Written = { n: number; offset: string; duplicate: boolean };

/**
 * A change of one row and the event that tells it, as one statement: a transaction of its own without the round trips of one. The
 * append comes after the change, and only when there was one.
 * @param change a data-modifying statement with RETURNING
 * @returns the changed row, or undefined when nothing matched: then nothing was appended
 */
export async function changeAndAppend<T extends object>(
  dataSource: DataSource,
  change: Statement,
  record: NewRecord,
): Promise<T | undefined> {
  const append = logAppendCall(change.parameters.length + 1, 'changed is distinct from null');
  const found = await inLog(() =>
    rows<T>(
      dataSource,
      `with changed as (${change.sql}) select changed.* from changed cross join lateral ${append} appended`,
      [...change.parameters, ...logAppendParameters([record], [partitionOf(record.key)])],
    ),
  );
  return found[0];
}

/**
 * Changes of rows and the events that tell them, as one statement: all of it or nothing, the append after the changes, and no lock
 * is held while anything travels. Whether a change matched a row does not matter.
 * @param changes data-modifying statements without RETURNING, each for another table
 */
export function changesAndAppend(
  dataSource: DataSource,
  changes: readonly Statement[],
  records: readonly NewRecord[],
): Promise<Written[]> {
  const parameters: unknown[] = [];
  const ctes = changes.map((change, i) => {
    const sql = numberedFrom(parameters.length + 1, change.sql);
    parameters.push(...change.parameters);
    return `change_${i} as (${sql} returning 1)`;
  });
  // A count that the call depends on: without it the server may append first, and would take its locks in another order.
  const counts = changes.map((_, i) => `(select count(*) from change_${i})`).join(' + ');
  const made = [...ctes, `made as materialized (select ${counts || '0'} as n)`].join(', ');
  const append = logAppendCall(parameters.length + 1, 'made.n >= 0');
  parameters.push(
    ...logAppendParameters(
      records,
      records.map(r => partitionOf(r.key)),
    ),
  );
  return inLog(() =>
    rows<Written>(
      dataSource,
      `with ${made} select a.n, a."offset", a.duplicate from made cross join lateral ${append} a order by a.n`,
      parameters,
    ),
  );
}
