/** Types of columns that can be written in PostgreSQL's binary format, with their object ids (pg_type.dat). */
export const TYPE_OIDS = {
  bytea: 17,
  int8: 20,
  int4: 23,
  text: 25,
  timestamptz: 1_184,
  uuid: 2_950,
  jsonb: 3_802,
} as const;
export type BinaryType = keyof typeof TYPE_OIDS;

/** What JavaScript gives for each type: `timestamptz` as RFC 3339 text, `jsonb` as JSON text, `int8` as a safe integer. */
export type BinaryValue<T extends BinaryType> = T extends 'bytea'
  ? Buffer
  : T extends 'int4' | 'int8'
    ? number
    : string;

const POSTGRES_EPOCH_MS = Date.UTC(2000, 0, 1);
const JSONB_VERSION = 1;
const TWO_32 = 2 ** 32;
const ASCII_MAX = 64;
/** Value of each hexadecimal digit by its character code, -1 for everything else. */
const HEX = Int8Array.from({ length: 128 }, (_, code) => {
  const digit = Number.parseInt(String.fromCharCode(code), 16);
  return Number.isNaN(digit) ? -1 : digit;
});

/** Writes values as PostgreSQL reads them in binary (length, then bytes, big-endian). Text of every value is what costs time in bulk. */
export class BinaryWriter {
  private buffer: Buffer;
  private at = 0;

  constructor(bytes = 4_096) {
    this.buffer = Buffer.allocUnsafe(bytes);
  }

  /** What was written; valid until the next write. */
  written(): Buffer {
    return this.buffer.subarray(0, this.at);
  }

  int16(value: number): void {
    this.room(2);
    this.buffer[this.at++] = value >> 8;
    this.buffer[this.at++] = value;
  }

  int32(value: number): void {
    this.room(4);
    this.put32(this.at, value);
    this.at += 4;
  }

  raw(bytes: Buffer): void {
    this.room(bytes.length);
    this.at += bytes.copy(this.buffer, this.at);
  }

  /** One value with its length in front; null as PostgreSQL writes it. */
  value<T extends BinaryType>(type: T, value: BinaryValue<T> | null): void {
    if (value === null) this.int32(-1);
    else if (typeof value === 'number') this.integer(type, value);
    else if (typeof value === 'string') this.string(type, value);
    else {
      this.int32(value.length);
      this.raw(value);
    }
  }

  private integer(type: BinaryType, value: number): void {
    if (type === 'int4') {
      this.int32(4);
      this.int32(value);
    } else this.int64(value);
  }

  private string(type: BinaryType, value: string): void {
    if (type === 'uuid') this.uuid(value);
    else if (type === 'timestamptz') this.int64((Date.parse(value) - POSTGRES_EPOCH_MS) * 1_000);
    else this.text(value, type === 'jsonb');
  }

  /** @param value a safe integer */
  private int64(value: number): void {
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no safe integer`);
    this.int32(8);
    this.room(8);
    this.put32(this.at, Math.floor(value / TWO_32));
    this.put32(this.at + 4, value >>> 0);
    this.at += 8;
  }

  private uuid(value: string): void {
    this.int32(16);
    this.room(16);
    let half = 0;
    let digits = 0;
    for (let i = 0; i < value.length && digits <= 32; i += 1) {
      const digit = HEX[value.charCodeAt(i)] ?? -1;
      if (digit < 0) continue;
      digits += 1;
      if (digits % 2 === 1) half = digit << 4;
      else this.buffer[this.at++] = half | digit;
    }
    if (digits !== 32 || value.length !== 36) throw new RangeError(`${value.slice(0, 80)} is no UUID`);
  }

  private text(value: string, isJsonb: boolean): void {
    const start = this.at;
    // UTF-8 needs at most three bytes per UTF-16 unit.
    this.room(5 + value.length * 3);
    this.at += 4;
    if (isJsonb) this.buffer[this.at++] = JSONB_VERSION;
    if (!this.ascii(value)) this.at += this.buffer.write(value, this.at, 'utf8');
    this.put32(start, this.at - start - 4);
  }

  /** Short ASCII text, which most values are, byte by byte: cheaper than a call out of JavaScript. */
  private ascii(value: string): boolean {
    if (value.length > ASCII_MAX) return false;
    const start = this.at;
    for (let i = 0; i < value.length; i += 1) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) return false;
      this.buffer[start + i] = code;
    }
    this.at = start + value.length;
    return true;
  }

  private put32(at: number, value: number): void {
    this.buffer[at] = value >> 24;
    this.buffer[at + 1] = value >> 16;
    this.buffer[at + 2] = value >> 8;
    this.buffer[at + 3] = value;
  }

  private room(bytes: number): void {
    if (this.at + bytes <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.at + bytes));
    this.buffer.copy(larger, 0, 0, this.at);
    this.buffer = larger;
  }
}
