import { Catch, NotFoundException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isScimAddress, scimErrorOf, sendError } from './error-answer.js';
import { HttpProblem } from './http-problem.js';
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
    // Only the router says it like this: everything else that is not found is a problem of its door.
    const allowed = error instanceof NotFoundException ? this.context.routedMethods.at(request.url) : [];
    if (allowed.length > 0 && request.method === 'OPTIONS') {
      void reply.status(204).header('allow', allowed.join(', ')).send();
      return;
    }
    const problem = allowed.length > 0 ? notAllowed(allowed) : problemOf(error, this.context.logger);
    if (isScimAddress(request.url)) this.refusals.note(request, scimErrorOf(error, problem));
    sendError(reply, request.url, error, problem);
  }
}

const notAllowed = (methods: readonly string[]): HttpProblem =>
  new HttpProblem(405, 'method.not-allowed', `this address takes ${methods.join(', ')}`, {
    allow: methods.join(', '),
  });
