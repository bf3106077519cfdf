import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { principalOfToken } from '@sever/directory';
import type { FastifyRequest } from 'fastify';
import { HttpProblem } from '../http-problem.js';
import { IngressContext } from '../ingress-context.js';
import { TokenCache, bearerToken } from '../auth/token-cache.js';
import type { Caller } from './opt-outs/standing-command.js';

export type ApiRequest = FastifyRequest & { caller: Caller };

/** Lets a request pass that carries an API token. */
@Injectable()
export class ApiAuthGuard implements CanActivate {
  private readonly tokens: TokenCache<string>;

  constructor(context: IngressContext) {
    this.tokens = new TokenCache(token => principalOfToken(context.dataSource, token));
  }

  async canActivate(execution: ExecutionContext): Promise<boolean> {
    const request = execution.switchToHttp().getRequest<ApiRequest>();
    const token = bearerToken(request.headers.authorization);
    const principal = token && (await this.tokens.owner(token));
    if (!principal) throw new HttpProblem(401, 'auth.required', 'send a valid API token as bearer token');
    request.caller = { principal };
    return true;
  }
}
