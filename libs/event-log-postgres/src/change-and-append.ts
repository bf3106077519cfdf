import { failpoint } from '@sever/config';
import type { NewRecord } from '@sever/event-log';
import { numberedFrom, rows, type Queryable, type Statement } from '@sever/postgres';
import type { DataSource } from 'typeorm';
import { LOG_APPEND_TYPES, inLog, logAppendCall, logAppendParameters } from './log-append.js';

/** What the append said of one record, by its place among those given. */
export type Written = { n: number; offset: string; duplicate: boolean };

/** The name under which the further changes of {@link changeAndAppend} see the changed row. */
export const CHANGED = 'changed';

/**
 * A change of one row and the events that tell it, as one statement: a transaction of its own without the round trips of one. The
 * append comes after the change, and only when there was one. There is one event at least.
 * @param change a data-modifying statement with RETURNING
 * @param further changes of other tables, without RETURNING, that happen only for rows of {@link CHANGED}
 * @returns the changed row, or undefined when nothing matched: then nothing was appended
 */
export async function changeAndAppend<T extends object>(
  dataSource: DataSource,
  change: Statement,
  records: readonly NewRecord[],
  further: readonly Statement[] = [],
): Promise<T | undefined> {
  const beside = besides(further, change.parameters.length + 1);
  const parameters = [...change.parameters, ...beside.parameters];
  const append = logAppendCall(
    parameters.length + 1,
    `${CHANGED} is distinct from null and (${beside.count}) >= 0`,
  );
  failpoint('append.before-commit');
  const ctes = [`${CHANGED} as (${change.sql})`, ...beside.ctes].join(', ');
  const found = await inLog(() =>
    rows<T>(
      dataSource,
      `with ${ctes} select ${CHANGED}.* from ${CHANGED} cross join lateral ${append} appended`,
      [...parameters, ...logAppendParameters(records)],
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
  const { ctes, count, parameters } = besides(changes, 1);
  const made = [...ctes, `made as materialized (select ${count} as n)`].join(', ');
  const append = logAppendCall(parameters.length + 1, 'made.n >= 0');
  failpoint('append.before-commit');
  return inLog(() =>
    rows<Written>(
      dataSource,
      `with ${made} select a.n, a."offset", a.duplicate from made cross join lateral ${append} a order by a.n`,
      [...parameters, ...logAppendParameters(records)],
    ),
  );
}

/**
 * Changes of several rows, each with the event that tells it, as one statement: those rows that match are changed and told, the others not.
 * @param change a data-modifying statement that returns `n`, the place of the record that tells the row
 * @param further changes of other tables, without RETURNING, that happen only for rows of {@link CHANGED}
 * @returns the changed rows
 */
export async function changeEachAndAppend<T extends { n: number }>(
  on: Queryable,
  change: Statement,
  records: readonly NewRecord[],
  further: readonly Statement[] = [],
): Promise<T[]> {
  const beside = besides(further, change.parameters.length + 1);
  const parameters = [...change.parameters, ...beside.parameters];
  const ctes = [
    `${CHANGED} as (${change.sql})`,
    ...beside.ctes,
    ...appendOfChanged(parameters.length + 1, beside.count),
  ];
  failpoint('append.before-commit');
  return inLog(() =>
    rows<T>(
      on,
      `with ${ctes.join(', ')} select ${CHANGED}.* from ${CHANGED}, (select count(*) as n from appended) done where done.n >= 0`,
      [...parameters, ...logAppendParameters(records)],
    ),
  );
}

/** Appends the records at the places of the changed rows, after `count` was counted. */
function appendOfChanged(first: number, count: string): string[] {
  const columns = LOG_APPEND_TYPES.map((_, i) => `c${i}`);
  const lists = LOG_APPEND_TYPES.map((type, i) => `$${first + i}::${type}`);
  return [
    `told as materialized (select ${columns.map(c => `array_agg(${c} order by place) as ${c}`).join(', ')}
       from unnest(${lists.join(', ')}) with ordinality u(${columns.join(', ')}, place) join ${CHANGED} on ${CHANGED}.n = place - 1
      where (${count}) >= 0 having count(*) > 0)`,
    `appended as materialized (select a.n from told cross join lateral log_append(${columns.map(c => `told.${c}`).join(', ')}) a)`,
  ];
}

/**
 * Changes as parts of one statement, their placeholders from `first` on. `count` is a number that whatever comes after them must depend
 * on: without it the server may append first, and would take its locks in another order.
 */
function besides(
  changes: readonly Statement[],
  first: number,
): { ctes: string[]; count: string; parameters: unknown[] } {
  const parameters: unknown[] = [];
  const ctes = changes.map((change, i) => {
    const sql = numberedFrom(first + parameters.length, change.sql);
    parameters.push(...change.parameters);
    return `change_${i} as (${sql} returning 1)`;
  });
  const counts = changes.map((_, i) => `(select count(*) from change_${i})`);
  return { ctes, count: counts.join(' + ') || '0', parameters };
}
