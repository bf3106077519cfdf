import { connect } from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');

/**
 * One keep-alive HTTP/1.1 connection that sends a request when the answer before has come. It does no more than it must, so that it is
 * the server that is measured and not the client beside it.
 */
export async function hammer(port, token) {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  let received = Buffer.alloc(0);
  let waiting;
  const settle = () => {
    if (!waiting) return;
    const answer = answerIn(received);
    if (!answer) return;
    received = received.subarray(answer.bytes);
    const { resolve } = waiting;
    waiting = undefined;
    resolve(answer);
  };
  socket.on('data', data => {
    received = received.length === 0 ? data : Buffer.concat([received, data]);
    settle();
  });
  const fail = error => waiting?.reject(error ?? new Error('the server closed the connection'));
  socket.on('error', fail).on('close', () => fail());
  return {
    /** @returns status and body of the answer */
    send(method, path, body) {
      const text = body === undefined ? '' : JSON.stringify(body);
      const head = [
        `${method} ${path} HTTP/1.1`,
        `host: 127.0.0.1:${port}`,
        `authorization: Bearer ${token}`,
        ...(body === undefined
          ? []
          : ['content-type: application/scim+json', `content-length: ${Buffer.byteLength(text)}`]),
      ];
      return new Promise((resolve, reject) => {
        if (socket.destroyed) return reject(new Error('the server has closed the connection'));
        waiting = { resolve, reject };
        socket.write(`${head.join('\r\n')}\r\n\r\n${text}`);
      });
    },
    close: () => socket.destroy(),
  };
}

/** The answer at the beginning of what was received, once it is whole. */
function answerIn(received) {
  const headEnd = received.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const head = received.subarray(0, headEnd).toString('latin1');
  const length = /^content-length: *(\d+)/im.exec(head);
  const bodyAt = headEnd + HEAD_END.length;
  if (!length && /^transfer-encoding: *chunked/im.test(head)) throw new Error('chunked answers are not read');
  const bytes = bodyAt + Number(length?.[1] ?? 0);
  if (received.length < bytes) return undefined;
  return { status: Number(head.slice(9, 12)), bytes, body: received.subarray(bodyAt, bytes) };
}

/** Requests per second of several clients that take work until there is none. `next()` gives the next request or undefined. */
export async function rateOf(clients, next, expected) {
  let done = 0;
  const began = performance.now();
  await Promise.all(
    clients.map(async client => {
      for (let request = next(); request; request = next()) {
        const { status, body } = await client.send(...request);
        if (!expected.includes(status)) throw new Error(`${request[0]} answered ${status}: ${body}`);
        done += 1;
      }
    }),
  );
  return done / ((performance.now() - began) / 1_000);
}
