import { HttpException } from '@nestjs/common';
import { DirectoryError, type DirectoryErrorCode } from '@sever/directory';
import { ContractError } from '@sever/event-contracts';
import { databaseErrorCode, isDatabaseUnavailable, isSerializationFailure } from '@sever/postgres';
import { ScimError } from '@sever/scim';
import type { Logger } from '@sever/telemetry';
import { HttpProblem } from './http-problem.js';

const RETRY_AFTER_SECONDS = '2';
/** SQLSTATE program_limit_exceeded: a value is larger than an index takes. */
const TOO_LONG_FOR_INDEX = '54000';

const PROBLEMS: Readonly<Record<number, [code: string, detail: string]>> = {
  400: ['request.malformed', 'the request cannot be read'],
  401: ['auth.required', 'send a valid bearer token'],
  404: ['route.unknown', 'there is nothing at this address'],
  405: ['method.not-allowed', 'this address does not take this method'],
  413: ['request.too-large', 'the body is larger than 1 MiB'],
  414: ['address.too-long', 'no resource has an id as long as the one in this address'],
  415: ['media-type.unsupported', 'send application/scim+json or application/json'],
};

/** Where it is not the request that is wrong. */
const REGISTRY_STATUS: Partial<Record<DirectoryErrorCode, number>> = {
  'tenant.unknown': 404,
  'connection.exists': 409,
  'connection.unknown': 404,
  'connection.retired': 409,
  'connection.people-active': 409,
  'connection.decided': 409,
  'rebind-case.unknown': 404,
  'oauth-client.unknown': 404,
  'issuer.unknown': 404,
};

/** What a client is told of an error, whoever raised it. What nobody foresaw is written to the log and told as 500. */
export function problemOf(error: unknown, logger: Logger): HttpProblem {
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
  logger.error({ err: error }, 'a request failed unexpectedly');
  return new HttpProblem(500, 'internal', 'the request was not accepted; the log of the service says why');
}

function statusOf(error: unknown): number {
  if (error instanceof HttpException) return error.getStatus();
  if (error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number')
    return error.statusCode;
  return 500;
}
