import { isObject, type Json } from '@sever/scim';
import { HttpProblem } from '../http-problem.js';

const MAX_EVENTS = 100;
const ACKS_MAX = 1_000;

/** What a receiver asks for (RFC 8936 §2.2). `errors` are tokens that it could not take, by `jti`, with their error codes. */
export type PollRequest = {
  maxEvents: number;
  returnImmediately: boolean;
  ack: string[];
  errors: Map<string, string>;
};

const invalid = (detail: string): HttpProblem => new HttpProblem(400, 'request.invalid', detail);

/** @throws HttpProblem 400 `request.invalid` */
export function parsePoll(body: Json): PollRequest {
  if (!isObject(body)) throw invalid('the body must be a JSON object, also an empty one');
  const { maxEvents = MAX_EVENTS, returnImmediately = false, ack = [], setErrs = {} } = body;
  if (!Number.isSafeInteger(maxEvents) || Number(maxEvents) < 0)
    throw invalid('maxEvents must be an integer from 0');
  if (typeof returnImmediately !== 'boolean') throw invalid('returnImmediately must be true or false');
  if (!Array.isArray(ack) || ack.length > ACKS_MAX || !ack.every(jti => typeof jti === 'string'))
    throw invalid(`ack must be a list of at most ${ACKS_MAX} "jti" values`);
  if (!isObject(setErrs) || Object.keys(setErrs).length > ACKS_MAX)
    throw invalid('setErrs must be an object with a member for each "jti" that could not be taken');
  const errors = Object.entries(setErrs).map(([jti, error]): [string, string] => [
    jti,
    isObject(error) && typeof error.err === 'string' ? error.err.slice(0, 80) : 'unknown',
  ]);
  return {
    maxEvents: Math.min(MAX_EVENTS, Number(maxEvents)),
    returnImmediately,
    ack: [...ack, ...errors.map(([jti]) => jti)],
    errors: new Map(errors),
  };
}
