const LENGTH_BYTES = 4;

/** Cuts a stream into requests or answers: four bytes of length, then as many. */
export function frames(each: (frame: Buffer) => void): (data: Buffer) => void {
  let rest = Buffer.alloc(0);
  return data => {
    rest = Buffer.concat([rest, data]);
    while (rest.length >= LENGTH_BYTES && rest.length >= LENGTH_BYTES + rest.readInt32BE(0)) {
      const end = LENGTH_BYTES + rest.readInt32BE(0);
      each(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
  };
}

/** What a request is and which answer belongs to it. */
export const requestHeader = (frame: Buffer): { api: number; version: number; correlation: number } => ({
  api: frame.readInt16BE(LENGTH_BYTES),
  version: frame.readInt16BE(LENGTH_BYTES + 2),
  correlation: frame.readInt32BE(LENGTH_BYTES + 4),
});
