import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { OptOutResource } from './opt-out-resource.js';

const POLL_MS = 200;
const HEARTBEAT_MS = 15_000;
const ENDS: ReadonlySet<string> = new Set(['closed', 'restored']);

/** Sends the opt-out as a server-sent event whenever it changed, and ends once it is closed or restored. */
export async function streamOptOut(
  read: () => Promise<OptOutResource>,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  let current = await read();
  reply.hijack();
  const out = reply.raw;
  out.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    connection: 'keep-alive',
  });
  let sent = '';
  let quietSince = Date.now();
  while (!out.destroyed && !request.raw.destroyed) {
    const text = JSON.stringify(current);
    if (text !== sent) {
      out.write(`id: ${current.timeline.at(-1)?.id ?? current.id}\nevent: opt-out\ndata: ${text}\n\n`);
      sent = text;
      quietSince = Date.now();
    } else if (Date.now() - quietSince > HEARTBEAT_MS) {
      out.write(': still here\n\n');
      quietSince = Date.now();
    }
    if (ENDS.has(current.state)) break;
    await sleep(POLL_MS);
    // The database may be away for a while: the stream goes on when it is back.
    current = await read().catch(() => current);
  }
  out.end();
}
