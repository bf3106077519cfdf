import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { Connection } from '@sever/directory';
import { ScimError } from '@sever/scim';
import type { FastifyRequest } from 'fastify';
import { HttpProblem } from '../http-problem.js';
import { IngressContext } from '../ingress-context.js';
import { ConnectionAuth } from '../auth/connection-auth.js';
import { RateLimiter } from '../auth/rate-limiter.js';
import { bearerToken } from '../auth/token-cache.js';

/** A request whose connection is known. */
export type ScimRequest = FastifyRequest & { connection: Connection };

/**
 * Lets a request pass whose token opens the connection in its address. Every token that does not, for whatever reason, and none
 * at all are answered alike.
 */
@Injectable()
export class ScimAuthGuard implements CanActivate {
  private readonly limiter = new RateLimiter();

  constructor(
    private readonly context: IngressContext,
    private readonly auth: ConnectionAuth,
  ) {}

  async canActivate(execution: ExecutionContext): Promise<boolean> {
    const request = execution.switchToHttp().getRequest<ScimRequest>();
    const token = bearerToken(request.headers.authorization);
    const { connection: asked } = request.params as { connection: string };
    const connection = token && (await this.auth.open(asked, token));
    if (!connection)
      throw new ScimError(401, 'send the bearer token of this connection', undefined, 'auth.required');
    const limit = connection.rateLimit ?? this.context.policy.rateLimit;
    const wait = limit === null ? 0 : this.limiter.take(connection.id, limit);
    if (wait > 0)
      throw new HttpProblem(
        429,
        'rate.limited',
        `this connection may send ${limit} requests per second; wait ${wait} s`,
        { 'retry-after': String(wait) },
      );
    request.connection = connection;
    return true;
  }
}
