import { createHash } from 'node:crypto';
import { canonicalJson } from '@sever/event-contracts';
import { rows, type Queryable } from '@sever/postgres';

/** What of each table counts, in primary-key order by bytes. Offsets do not: they say how far, not what. */
const CONTENTS: readonly { table: string; key: string; columns: string }[] = [
  {
    table: 'rm_subject',
    key: `tenant collate "C" || chr(10) || subject`,
    columns: 'tenant, subject, lifecycle, identifiers_digest',
  },
  { table: 'rm_opt_out', key: 'opt_out_id::text', columns: 'state' },
  { table: 'rm_instance', key: `opt_out_id::text || chr(10) || instance collate "C"`, columns: 'state' },
];

const PAGE = 2_000;

/**
 * SHA-256 over the canonical JSON of every row, per table in key order, then over the tables. It depends on what happened and
 * on nothing else: not on batches, order of arrival, restarts, or the clock.
 */
export async function stateDigest(on: Queryable): Promise<string> {
  const all = createHash('sha256');
  for (const content of CONTENTS) all.update(`${content.table}\n${await tableDigest(on, content)}\n`);
  return all.digest('hex');
}

async function tableDigest(
  on: Queryable,
  { table, key, columns }: (typeof CONTENTS)[number],
): Promise<string> {
  const hash = createHash('sha256');
  let after: string | null = null;
  for (;;) {
    const page: Record<string, unknown>[] = await rows<Record<string, unknown>>(
      on,
      `select k, ${columns} from (select (${key}) collate "C" as k, * from ${table}) t
        where $1::text is null or k > $1 collate "C" order by k limit ${PAGE}`,
      [after],
    );
    for (const { k, ...row } of page) {
      hash.update(canonicalJson(row)).update('\n');
      after = String(k);
    }
    if (page.length < PAGE) return hash.digest('hex');
  }
}
