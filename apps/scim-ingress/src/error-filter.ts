import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { ContractError } from '@sever/event-contracts';
import { DirectoryError, type DirectoryErrorCode } from '@sever/directory';
import { databaseErrorCode, isDatabaseUnavailable, isSerializationFailure } from '@sever/postgres';
import { ScimError, errorBody } from '@sever/scim';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { HttpProblem } from './http-problem.js';
import { IngressContext } from './ingress-context.js';

const RETRY_AFTER_SECONDS = '2';
/** SQLSTATE program_limit_exceeded: a value is larger than an index takes. */
const TOO_LONG_FOR_INDEX = '54000';

const PROBLEMS: Readonly<Record<number, [code: string, detail: string]>> = {
  400: ['request.malformed', 'the request cannot be read'],
  401: ['auth.required', 'send a valid bearer token'],
  404: ['route.unknown', 'there is nothing at this address'],
  405: ['method.not-allowed', 'this address does not take this method'],
  413: ['request.too-large', 'the body is larger than 1 MiB'],
  415: ['media-type.unsupported', 'send application/scim+json or application/json'],
};

/** Where it is not the request that is wrong. */
const REGISTRY_STATUS: Partial<Record<DirectoryErrorCode, number>> = {
  'connection.exists': 409,
  'connection.unknown': 404,
  'connection.retired': 409,
  'connection.people-active': 409,
  'connection.decided': 409,
  'oauth-client.unknown': 404,
  'issuer.unknown': 404,
};

/** Every error of the ingress, whoever raised it, in the form of its door: SCIM error bodies or problem details. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(private readonly context: IngressContext) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    if (reply.sent) return;
    const problem = this.problemOf(error);
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

  private problemOf(error: unknown): HttpProblem {
    if (error instanceof HttpProblem) return error;
    if (error instanceof ScimError) return new HttpProblem(error.status, error.code, error.detail);
    if (error instanceof DirectoryError)
      return new HttpProblem(REGISTRY_STATUS[error.code] ?? 400, error.code, error.message);
    if (error instanceof ContractError && error.code === 'event.too-large')
      return new HttpProblem(413, error.code, error.message);
    if (databaseErrorCode(error) === TOO_LONG_FOR_INDEX)
      return new HttpProblem(
        400,
        'value.too-long',
        'a name or id is too long to be looked up; send a shorter one',
      );
    if (isDatabaseUnavailable(error) || isSerializationFailure(error))
      return new HttpProblem(503, 'database.unavailable', 'the request was not accepted; repeat it', {
        'retry-after': RETRY_AFTER_SECONDS,
      });
    const status = statusOf(error);
    const known = PROBLEMS[status];
    if (known) return new HttpProblem(status, known[0], known[1]);
    if (status >= 400 && status < 500)
      return new HttpProblem(status, `http.${status}`, 'the request cannot be answered');
    this.context.logger.error({ err: error }, 'a request failed unexpectedly');
    return new HttpProblem(500, 'internal', 'the request was not accepted; the log of the service says why');
  }
}

function statusOf(error: unknown): number {
  if (error instanceof HttpException) return error.getStatus();
  if (error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number')
    return error.statusCode;
  return 500;
}
