import { once } from 'node:events';
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FreshConnection } from '../fresh-connection.js';

/** A door with the addresses that the collection knows, in front of a connection. */
export type CollectionDoor = { port: number; close(): Promise<void> };

/** Address under which the collection finds everything. */
export const API = 'scim';

/**
 * What the collection asks for and no SCIM server has: a token without a proof, and ServiceProviderConfig under the name of a draft. All else
 * goes to the connection as it is.
 */
export async function openCollectionDoor(connection: FreshConnection): Promise<CollectionDoor> {
  const server = createServer((request, reply) => {
    const url = request.url ?? '';
    const path = url.slice(`/${API}`.length);
    if (/^\/token$/i.test(path)) tokenFor(connection, reply);
    else
      pass(
        request,
        reply,
        `${connection.baseUrl}${path.replace(/^\/serviceConfiguration/i, '/ServiceProviderConfig')}`,
      );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function tokenFor({ token }: FreshConnection, reply: ServerResponse): void {
  reply.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ token }));
}

function pass(request: IncomingMessage, reply: ServerResponse, url: string): void {
  const { host: _, ...headers } = request.headers;
  const forward = ask(url, { method: request.method ?? 'GET', headers }, answer => {
    reply.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(reply);
  });
  forward.once('error', () => reply.writeHead(502).end());
  request.pipe(forward);
}
