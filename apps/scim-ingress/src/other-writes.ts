import type { FastifyInstance } from 'fastify';
import { isWriting } from './writing-methods.js';

/** How long after a write that is not a Bulk the next one is expected. */
const EXPECTED_MS = 2_000;
/** What is POSTed and is an import, or stores nothing: queries, tokens, polls for how a request ended. */
const NO_OTHER_WRITE = /\/(bulk|\.search|securityevents|oauth2\/token)\/?(\?|$)/i;

/** Whether anybody but imports is writing: whoever asks for one thing must not wait in a crowd of thousand. */
export class OtherWrites {
  private last = -Infinity;

  constructor(private readonly now: () => number = () => performance.now()) {}

  note(): void {
    this.last = this.now();
  }

  /** Whether there was one in the last seconds. */
  areExpected(): boolean {
    return this.now() - this.last < EXPECTED_MS;
  }
}

/** Notes every request that writes and is no Bulk. */
export function noteOtherWrites(fastify: FastifyInstance, writes: OtherWrites): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (isOtherWrite(request)) writes.note();
    done();
  });
}

const isOtherWrite = ({ method, url }: { method: string; url: string }): boolean =>
  isWriting(method) && !(method === 'POST' && NO_OTHER_WRITE.test(url));
