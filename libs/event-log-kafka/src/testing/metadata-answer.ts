/** Length and correlation id. */
const HEADER_BYTES = 8;
const THROTTLE_SINCE = 3;
const RACK_SINCE = 1;
/** From here on strings are of another kind; the client does not speak it. */
const FLEXIBLE_SINCE = 9;

/** Replaces, in the answer to a Metadata request, the port of every broker by that of its proxy. */
export function pointToProxies(frame: Buffer, version: number, proxyOf: (port: number) => number): void {
  if (version >= FLEXIBLE_SINCE) throw new RangeError(`Metadata ${version} is not known to the proxy`);
  let at = HEADER_BYTES + (version >= THROTTLE_SINCE ? 4 : 0);
  const brokers = frame.readInt32BE(at);
  at += 4;
  const skipString = (): void => void (at += 2 + Math.max(0, frame.readInt16BE(at)));
  for (let i = 0; i < brokers; i += 1) {
    at += 4; // id
    skipString(); // host
    frame.writeInt32BE(proxyOf(frame.readInt32BE(at)), at);
    at += 4;
    if (version >= RACK_SINCE) skipString();
  }
}
