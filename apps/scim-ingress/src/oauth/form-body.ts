import { UnsupportedMediaTypeException } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';

export const FORM = 'application/x-www-form-urlencoded';

/** Clients say who they are in some hundred bytes; an assertion makes it a few thousand. */
const FORM_BYTES_MAX = 32 * 1_024;

/** Lets forms in at the token endpoint (RFC 6749), as text, and nowhere else. */
export function takeForms(fastify: FastifyInstance): void {
  fastify.addContentTypeParser(
    FORM,
    { parseAs: 'string', bodyLimit: FORM_BYTES_MAX },
    (request, body, done) => {
      if (request.url.toLowerCase().startsWith('/oauth2/')) done(null, body);
      else done(new UnsupportedMediaTypeException(), undefined);
    },
  );
}

/** Whether a `content-type` is that of a form, whatever its parameters. */
export const isForm = (type: string | undefined): boolean =>
  type?.split(';', 1)[0]?.trim().toLowerCase() === FORM;
