import { createHash } from 'node:crypto';
import { canonicalJson } from '@sever/event-contracts';
import { rows, type Queryable } from '@sever/postgres';

type Content = { table: string; key: readonly { column: string; type: string }[]; columns: string };

const text = (column: string): Content['key'][number] => ({ column: `${column} collate "C"`, type: 'text' });
const uuid = (column: string): Content['key'][number] => ({ column, type: 'uuid' });

/** What of each table counts, in the order of its key, by bytes. Offsets do not: they say how far, not what. */
const CONTENTS: readonly Content[] = [
  {
    table: 'rm_subject',
    key: [text('tenant'), uuid('subject')],
    columns: 'tenant, subject, lifecycle, identifiers_digest',
  },
  { table: 'rm_opt_out', key: [uuid('opt_out_id')], columns: 'state' },
  { table: 'rm_instance', key: [uuid('opt_out_id'), text('instance')], columns: 'state' },
  {
    table: 'rm_group_move',
    key: [uuid('subject'), { column: 'time', type: 'timestamptz' }, uuid('event_id')],
    columns: `tenant, subject, extract(epoch from time)::text as time, event_id, type, actor_id, connection, group_id, moved`,
  },
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

/** Page by page; where the key is the primary key, each page is a range of its index. */
async function tableDigest(on: Queryable, { table, key, columns }: Content): Promise<string> {
  const hash = createHash('sha256');
  const order = key.map(part => part.column).join(', ');
  const place = key.map(part => `(${part.column})::text`).join(', ');
  const behind = key.map((part, i) => `$${i + 1}::${part.type}`).join(', ');
  let after: string[] | undefined;
  for (;;) {
    const page: (Record<string, unknown> & { place: string[] })[] = await rows(
      on,
      `select array[${place}] as place, ${columns} from ${table}
        ${after ? `where (${order}) > (${behind})` : ''} order by ${order} limit ${PAGE}`,
      after ?? [],
    );
    for (const { place: at, ...row } of page) {
      hash.update(canonicalJson(row)).update('\n');
      after = at;
    }
    if (page.length < PAGE) return hash.digest('hex');
  }
}
