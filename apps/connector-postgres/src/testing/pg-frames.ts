/** One message of a client. `statement` is the SQL that it asks to run or to parse. */
export type Frame = { type: string; bytes: Buffer; statement: string | undefined };

/** Cuts what a client sends into messages (PostgreSQL frontend protocol 3, without TLS). */
export class FrontendFrames {
  private rest = Buffer.alloc(0);
  private started = false;

  push(chunk: Buffer): Frame[] {
    this.rest = Buffer.concat([this.rest, chunk]);
    const frames: Frame[] = [];
    for (let frame = this.next(); frame; frame = this.next()) frames.push(frame);
    return frames;
  }

  /** The first message has no type: it is the request to start. */
  private next(): Frame | undefined {
    const at = this.started ? 1 : 0;
    if (this.rest.length < at + 4) return undefined;
    const size = at + this.rest.readUInt32BE(at);
    if (this.rest.length < size) return undefined;
    const bytes = this.rest.subarray(0, size);
    this.rest = this.rest.subarray(size);
    const type = this.started ? String.fromCharCode(bytes[0] ?? 0) : 'startup';
    this.started = true;
    return { type, bytes, statement: statementOf(type, bytes.subarray(at + 4)) };
  }
}

function statementOf(type: string, body: Buffer): string | undefined {
  if (type !== 'Q' && type !== 'P') return undefined;
  const texts = body.toString('utf8').split('\0');
  return type === 'Q' ? texts[0] : texts[1];
}

function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type, 0, 'latin1');
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const ready = (status: string): Buffer => message('Z', Buffer.from(status, 'latin1'));

/** An error as the server writes it. @param status of the transaction afterwards; undefined while logging in */
export function errorReply(
  error: { code: string; message: string } | undefined,
  status: string | undefined,
): Buffer {
  const { code, message: text } = error ?? { code: 'XX000', message: '' };
  const fields = `SERROR\0VERROR\0C${code}\0M${text}\0\0`;
  const bytes = message('E', Buffer.from(fields, 'utf8'));
  if (status === undefined) return bytes;
  return Buffer.concat([bytes, ready(status === 'T' ? 'E' : status)]);
}

/** Success without rows, of a statement that never ran. */
export function silentSuccess(statement: string, extended: boolean, status: string): Buffer {
  const tag = (/^\s*(\w+)/.exec(statement)?.[1] ?? 'SELECT').toUpperCase();
  const complete = message('C', Buffer.from(`${tag === 'SELECT' ? 'SELECT 0' : tag}\0`));
  const before = extended ? ['1', '2', 'n'].map(type => message(type, Buffer.alloc(0))) : [];
  return Buffer.concat([...before, complete, ready(status)]);
}

/** A message of a kind that does not exist. */
export const garbage = (): Buffer => message('!', Buffer.from('not the protocol'));
