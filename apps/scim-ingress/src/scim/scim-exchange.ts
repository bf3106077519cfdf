import { ScimError, parseJson, type Json, type JsonObject } from '@sever/scim';
import type { FastifyReply } from 'fastify';
import { SCIM_MEDIA_TYPE, sendAs } from '../media-types.js';
import type { AsyncRequest } from '../writes/async-request.js';

/** The answer to a client that does not wait: no body, and the id under which it hears of the end. */
export function accepted(reply: FastifyReply, { txn }: AsyncRequest, location: string): void {
  void reply.status(202).headers({ 'set-txn': txn, 'preference-applied': 'respond-async', location }).send();
}

/** Bodies arrive as text: the SCIM core parses them. */
export function bodyOf(body: unknown): Json {
  if (typeof body !== 'string' || body === '')
    throw new ScimError(400, 'the request needs a JSON body', 'invalidSyntax');
  return parseJson(body);
}

/** Sends a SCIM document. */
export function send(
  reply: FastifyReply,
  status: number,
  document: JsonObject,
  headers: Readonly<Record<string, string>> = {},
): void {
  for (const [name, value] of Object.entries(headers)) void reply.header(name, value);
  sendAs(SCIM_MEDIA_TYPE, reply.status(status), JSON.stringify(document));
}
