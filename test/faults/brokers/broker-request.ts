import { connect } from 'node:net';

const TIMEOUT_MS = 5_000;
const CLIENT = 'faults';

/** A request that the client library does not know. */
export type BrokerRequest = { api: number; version: number; isFlexible: boolean; body: Buffer };

/** Asks one broker. @returns what follows the header of the answer @throws Error when none comes within five seconds */
export async function askBroker(address: string, request: BrokerRequest): Promise<Buffer> {
  const socket = connect({ host: '127.0.0.1', port: Number(address.split(':')[1]) });
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      let received = Buffer.alloc(0);
      socket.setTimeout(TIMEOUT_MS, () => reject(new Error(`${address} does not answer`)));
      socket.once('error', reject).once('close', () => reject(new Error(`${address} hung up`)));
      socket.on('data', data => {
        received = Buffer.concat([received, data]);
        if (received.length < 4 || received.length < 4 + received.readInt32BE(0)) return;
        // Length, correlation id, and with flexible versions an empty list of tags.
        resolve(received.subarray(request.isFlexible ? 9 : 8));
      });
      socket.write(framed(request));
    });
  } finally {
    socket.destroy();
  }
}

function framed({ api, version, isFlexible, body }: BrokerRequest): Buffer {
  const header = Buffer.concat([
    int16(api),
    int16(version),
    int32(1),
    text(CLIENT),
    ...(isFlexible ? [NO_TAGS] : []),
  ]);
  return Buffer.concat([int32(header.length + body.length), header, body]);
}

export const int8 = (n: number): Buffer => Buffer.from([n]);
export const int16 = (n: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(n);
  return bytes;
};
export const int32 = (n: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(n);
  return bytes;
};
export const int64 = (n: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(n));
  return bytes;
};
export const text = (s: string): Buffer => Buffer.concat([int16(Buffer.byteLength(s)), Buffer.from(s)]);
/** Lengths of flexible versions; up to 126. */
export const compactLength = (n: number): Buffer => int8(n + 1);
export const compactText = (s: string): Buffer => Buffer.concat([compactLength(s.length), Buffer.from(s)]);
export const NO_TAGS = int8(0);
