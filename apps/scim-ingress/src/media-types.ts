import type { FastifyReply } from 'fastify';

/** RFC 7644 §8.1 registers it without parameters. */
export const SCIM_MEDIA_TYPE = 'application/scim+json';

const asItIs = (text: string): string => text;

/** Sends text under exactly this type: without a serializer of the reply the framework would add a `charset` to JSON types. */
export const sendAs = (type: string, reply: FastifyReply, text: string): void =>
  void reply.header('content-type', type).serializer(asItIs).send(text);
