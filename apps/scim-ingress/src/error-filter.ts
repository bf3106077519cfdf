import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { ScimError, errorBody } from '@sever/scim';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { IngressContext } from './ingress-context.js';
import { problemOf } from './problem-of.js';
import { RefusalCount } from './scim/refusal-count.js';

/** Every error of the ingress, whoever raised it, in the form of its door: SCIM error bodies or problem details. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(
    private readonly context: IngressContext,
    private readonly refusals: RefusalCount,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    if (reply.sent) return;
    const problem = problemOf(error, this.context.logger);
    for (const [name, value] of Object.entries(problem.headers)) void reply.header(name, value);
    if (problem.status === 401) void reply.header('www-authenticate', 'Bearer');
    if (request.url.toLowerCase().startsWith('/scim/')) {
      const scim =
        error instanceof ScimError
          ? error
          : new ScimError(
              problem.status,
              problem.detail,
              problem.code === 'value.too-long' ? 'invalidValue' : undefined,
              problem.code,
            );
      this.refusals.note(request, scim);
      void reply
        .status(scim.status)
        .header('content-type', 'application/scim+json; charset=utf-8')
        .send(JSON.stringify(errorBody(scim)));
      return;
    }
    const body = {
      type: 'about:blank',
      title: problem.code,
      status: problem.status,
      code: problem.code,
      detail: problem.detail,
    };
    void reply
      .status(problem.status)
      .header('content-type', 'application/problem+json; charset=utf-8')
      .send(JSON.stringify(body));
  }
}
