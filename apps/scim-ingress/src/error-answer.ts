import { ScimError, errorBody } from '@sever/scim';
import type { FastifyReply } from 'fastify';
import type { HttpProblem } from './http-problem.js';
import { SCIM_MEDIA_TYPE, sendAs } from './media-types.js';

/** RFC 6750 §3: with at least one parameter. It is the same for every token that does not open, and for none. */
const CHALLENGE = { 'www-authenticate': 'Bearer realm="sever"' };

/** Whether an address belongs to the SCIM door, whose errors have a form of their own. */
export const isScimAddress = (url: string): boolean => url.toLowerCase().startsWith('/scim/');

/** An error as a SCIM client reads it (RFC 7644 §3.12). */
export const scimErrorOf = (error: unknown, problem: HttpProblem): ScimError =>
  error instanceof ScimError
    ? error
    : new ScimError(
        problem.status,
        problem.detail,
        problem.code === 'value.too-long' ? 'invalidValue' : undefined,
        problem.code,
      );

/** An error in the form of the door that was asked: a SCIM error body, or problem details (RFC 9457). */
export function errorAnswer(
  url: string,
  error: unknown,
  problem: HttpProblem,
): { type: string; body: string } {
  if (isScimAddress(url))
    return { type: SCIM_MEDIA_TYPE, body: JSON.stringify(errorBody(scimErrorOf(error, problem))) };
  const { status, code, detail } = problem;
  const body = JSON.stringify({ type: 'about:blank', title: code, status, code, detail });
  return { type: 'application/problem+json; charset=utf-8', body };
}

/** Answers with an error in the form of the door that was asked. */
export function sendError(reply: FastifyReply, url: string, error: unknown, problem: HttpProblem): void {
  const { type, body } = errorAnswer(url, error, problem);
  const headers = { ...problem.headers, ...(problem.status === 401 && CHALLENGE) };
  sendAs(type, reply.status(problem.status).headers(headers), body);
}
