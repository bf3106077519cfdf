import { ScimError, errorBody } from '@sever/scim';
import type { FastifyReply } from 'fastify';
import type { HttpProblem } from './http-problem.js';

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

/** Answers with an error in the form of the door that was asked: a SCIM error body, or problem details (RFC 9457). */
export function sendError(reply: FastifyReply, url: string, error: unknown, problem: HttpProblem): void {
  const send = (type: string, body: object): void =>
    void reply
      .status(problem.status)
      .headers({ ...problem.headers, ...(problem.status === 401 && CHALLENGE) })
      .header('content-type', `application/${type}+json; charset=utf-8`)
      .send(JSON.stringify(body));
  if (isScimAddress(url)) return send('scim', errorBody(scimErrorOf(error, problem)));
  const { status, code, detail } = problem;
  send('problem', { type: 'about:blank', title: code, status, code, detail });
}
