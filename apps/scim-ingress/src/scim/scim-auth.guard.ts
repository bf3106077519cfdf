import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { connectionOfToken, type Connection } from '@sever/directory';
import { ScimError } from '@sever/scim';
import type { FastifyRequest } from 'fastify';
import { HttpProblem } from '../http-problem.js';
import { IngressContext } from '../ingress-context.js';
import { RateLimiter } from '../rate-limiter.js';
import { TokenCache, bearerToken } from '../token-cache.js';

/** A request whose connection is known. */
export type ScimRequest = FastifyRequest & { connection: Connection };

/**
 * Lets a request pass whose token belongs to the connection in its address. A token of another connection, a retired one and
 * none at all are answered alike.
 */
@Injectable()
export class ScimAuthGuard implements CanActivate {
  private readonly limiter = new RateLimiter();
  private readonly tokens: TokenCache<Connection>;

  constructor(private readonly context: IngressContext) {
    this.tokens = new TokenCache(token => connectionOfToken(context.dataSource, token));
  }

  async canActivate(execution: ExecutionContext): Promise<boolean> {
    const request = execution.switchToHttp().getRequest<ScimRequest>();
    const token = bearerToken(request.headers.authorization);
    const connection = token && (await this.tokens.owner(token));
    const { connection: asked } = request.params as { connection: string };
    if (!connection || connection.id !== asked)
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
