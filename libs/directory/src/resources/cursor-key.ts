import { migration, oneRow, type Queryable } from '@sever/postgres';

/** The key that seals the cursors of lists: one for all processes, made with the table and told to nobody. */
export const cursorKeyMigration = migration(1_790_000_003_700, 'CursorKey', [
  `create table cursor_key (one boolean primary key default true check (one), key bytea not null check (length(key) = 32))`,
  `insert into cursor_key (key) values (sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')))`,
  `grant select on cursor_key to sever_ingress`,
]);

export async function cursorKey(on: Queryable): Promise<Buffer> {
  const row = await oneRow<{ key: Buffer }>(on, 'select key from cursor_key');
  if (!row)
    throw new Error(
      'the table cursor_key is empty: restore its row from a backup, or migrate a new database',
    );
  return row.key;
}
