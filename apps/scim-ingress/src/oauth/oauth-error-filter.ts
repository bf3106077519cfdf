import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { OAuthError } from './oauth-error.js';

/** Refusals of the token endpoint in the form of RFC 6749 §5.2. */
@Catch(OAuthError)
export class OAuthErrorFilter implements ExceptionFilter {
  catch(error: OAuthError, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    if (error.status === 401 && error.usedHeader)
      void reply.header('www-authenticate', 'Basic realm="sever", charset="UTF-8"');
    void reply
      .status(error.status)
      .header('cache-control', 'no-store')
      .header('content-type', 'application/json; charset=utf-8')
      .send(JSON.stringify({ error: error.code, error_description: error.description }));
  }
}
