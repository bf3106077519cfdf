import type { FastifyInstance } from 'fastify';

/** How long after a write that is not a Bulk the next one is expected. */
const EXPECTED_MS = 2_000;
const BULK = /\/bulk\/?(\?|$)/i;

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
    if (request.method !== 'GET' && !BULK.test(request.url)) writes.note();
    done();
  });
}
