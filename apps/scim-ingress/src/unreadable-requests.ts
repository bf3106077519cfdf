import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { ConnectionError } from 'fastify';
import { errorAnswer } from './error-answer.js';
import { HttpProblem } from './http-problem.js';

const PROBLEMS: Readonly<Record<string, HttpProblem>> = {
  HPE_HEADER_OVERFLOW: new HttpProblem(431, 'headers.too-large', 'the address and the headers are too long'),
  ERR_HTTP_REQUEST_TIMEOUT: new HttpProblem(408, 'request.timeout', 'the request did not arrive in time'),
};
const MALFORMED = new HttpProblem(400, 'request.malformed', 'the request cannot be read');

/** Answers what is no HTTP and hence reaches no door, and closes its connection: where the request goes on is unknown. */
export function answerUnreadable(error: ConnectionError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const problem = PROBLEMS[error.code] ?? MALFORMED;
  const { type, body } = errorAnswer(addressIn(error), problem, problem);
  const { status } = problem;
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    `Content-Type: ${type}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  if (socket.writable) socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  socket.destroy(error);
}

/**
 * The address, where the bytes that could not be read begin with the request; else none.
 * Fastify's type shows the packet as JSON has it; it is a buffer.
 */
function addressIn({ rawPacket }: Partial<ConnectionError>): string {
  const start = rawPacket ? Buffer.from(rawPacket as unknown as Uint8Array).toString('latin1', 0, 128) : '';
  return /^[A-Z]+ (\/\S*)/.exec(start)?.[1] ?? '';
}
