import { isUtf8 } from 'node:buffer';
import { ScimError } from '@sever/scim';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { HttpProblem } from './http-problem.js';

const CHARSET = /;\s*charset\s*=\s*"?([^";\s]*)/i;

/** Lets JSON bodies in as text: both doors parse their own. Bytes that are no UTF-8 would become somebody else's name, and are refused. */
export function takeJson(fastify: FastifyInstance, bodyLimit: number): void {
  fastify.addContentTypeParser(
    ['application/json', 'application/scim+json'],
    { parseAs: 'buffer', bodyLimit },
    (request, body: Buffer, done) => {
      const problem = unreadable(request) ?? (isUtf8(body) ? null : notUtf8());
      if (problem) done(problem);
      else done(null, body.toString('utf8'));
    },
  );
}

/** A body that is compressed (RFC 9110 §15.5.16), or in another set of characters than JSON is (RFC 8259 §8.1). */
function unreadable({ headers }: FastifyRequest): HttpProblem | undefined {
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding.toLowerCase() !== 'identity')
    return new HttpProblem(415, 'media-type.encoded', 'send the body without a content-encoding', {
      'accept-encoding': 'identity',
    });
  const charset = CHARSET.exec(headers['content-type'] ?? '')?.[1] ?? 'utf-8';
  return /^utf-?8$/i.test(charset)
    ? undefined
    : new HttpProblem(415, 'media-type.charset', 'send the body as UTF-8');
}

const notUtf8 = (): ScimError => new ScimError(400, 'the body is no UTF-8 text', 'invalidSyntax');
