import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import type { PoolClient } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { EntityManager } from 'typeorm';
import { BinaryWriter, type BinaryType, type BinaryValue } from './binary-writer.js';

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');

/** A column of a COPY and how its value is taken from a row. */
export type CopyColumn<R> = {
  [T in BinaryType]: { name: string; type: T; of: (row: R) => BinaryValue<T> | null };
}[BinaryType];

/**
 * Inserts rows with COPY in binary format, in the running transaction: the cheapest way in for many rows. Names are trusted.
 * @throws the server's error, for example a violated constraint; the transaction is then void
 */
export async function copyRows<R>(
  em: EntityManager,
  table: string,
  columns: readonly CopyColumn<R>[],
  list: readonly R[],
): Promise<void> {
  if (!em.queryRunner?.isTransactionActive) throw new Error('copyRows() needs a running transaction');
  const client = (await em.queryRunner.connect()) as PoolClient;
  const names = columns.map(c => c.name).join(', ');
  const target = client.query(copyFrom(`copy ${table} (${names}) from stdin with (format binary)`));
  await pipeline(Readable.from([encode(columns, list)]), target);
}

function encode<R>(columns: readonly CopyColumn<R>[], list: readonly R[]): Buffer {
  const out = new BinaryWriter(64 + list.length * 1_024);
  out.raw(SIGNATURE);
  out.int32(0);
  out.int32(0);
  for (const row of list) {
    out.int16(columns.length);
    for (const { type, of } of columns) out.value(type, of(row));
  }
  out.int16(-1);
  return out.written();
}
