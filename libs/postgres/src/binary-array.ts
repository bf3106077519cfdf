import { BinaryWriter, TYPE_OIDS, type BinaryType, type BinaryValue } from './binary-writer.js';

/**
 * One column of a list as a parameter for `unnest($1::type[])`, in PostgreSQL's binary array format: the driver sends Buffers in
 * binary, which spares both sides the quoting of every element.
 */
export function binaryArray<R, T extends BinaryType>(
  type: T,
  list: readonly R[],
  of: (row: R) => BinaryValue<T> | null,
): Buffer {
  const out = new BinaryWriter(64 + list.length * 24);
  out.int32(list.length === 0 ? 0 : 1);
  // Whether nulls occur: a hint that the server does not need.
  out.int32(0);
  out.int32(TYPE_OIDS[type]);
  if (list.length > 0) {
    out.int32(list.length);
    out.int32(1);
  }
  for (const row of list) out.value(type, of(row));
  return out.written();
}
