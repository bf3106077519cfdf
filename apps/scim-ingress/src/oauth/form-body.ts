import { UnsupportedMediaTypeException } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';

/** Clients say who they are in some hundred bytes; an assertion makes it a few thousand. */
const FORM_BYTES_MAX = 32 * 1_024;

/** Lets forms in at the token endpoint (RFC 6749), as text, and nowhere else. */
export function takeForms(fastify: FastifyInstance): void {
  fastify.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: FORM_BYTES_MAX },
    (request, body, done) => {
      if (request.url.toLowerCase().startsWith('/oauth2/')) done(null, body);
      else done(new UnsupportedMediaTypeException(), undefined);
    },
  );
}
