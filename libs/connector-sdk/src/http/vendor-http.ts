import type { Ctx } from '../connector.js';
import type { AuthFailed, Forbidden, Malformed, RateLimited, Transient } from '../outcome.js';
import { resetTime } from './retry-after.js';

/** A reply that arrived whole. `json` is undefined when the body is not JSON. */
export type VendorReply = {
  status: number;
  headers: Headers;
  contentType: string;
  json: unknown;
  bytes: number;
};

/** What a call can come to when there is no usable reply. */
export type CallFailure = RateLimited | Transient | AuthFailed | Forbidden | Malformed;

export type VendorHttpOptions = {
  /** The only origin that is ever called. */
  baseUrl: string;
  authorization: () => Promise<string>;
  accept: string;
  bodyBytesMax?: number;
};

export type VendorRequest = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  body?: unknown;
  contentType?: string;
};

const BODY_BYTES_MAX = 16 * 1024 * 1024;

/** One HTTP call per call: no redirects, no retries, no other host, no body larger than the limit. */
export function createVendorHttp(
  o: VendorHttpOptions,
): (request: VendorRequest, ctx: Pick<Ctx, 'signal' | 'traceparent'>) => Promise<VendorReply | CallFailure> {
  return async (request, ctx) => {
    const isWrite = request.method !== 'GET';
    try {
      const reply = await fetch(`${o.baseUrl}${request.path}`, {
        method: request.method,
        redirect: 'manual',
        signal: ctx.signal,
        headers: {
          authorization: await o.authorization(),
          accept: o.accept,
          ...(request.body !== undefined && { 'content-type': request.contentType ?? 'application/json' }),
          ...(ctx.traceparent !== undefined && { traceparent: ctx.traceparent }),
        },
        ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
      });
      return await readReply(reply, o.bodyBytesMax ?? BODY_BYTES_MAX);
    } catch (error) {
      return unreachable(error, isWrite);
    }
  };
}

async function readReply(reply: Response, limit: number): Promise<VendorReply | Malformed> {
  const text = await reply.text();
  const bytes = Buffer.byteLength(text);
  if (bytes > limit)
    return { kind: 'Malformed', code: 'reply.too-large', evidence: { status: reply.status, bytes } };
  const contentType = reply.headers.get('content-type') ?? '';
  return { status: reply.status, headers: reply.headers, contentType, json: parse(text), bytes };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** No reply: time-out, refused, reset. What a write did is unknown. */
function unreachable(error: unknown, isWrite: boolean): Transient {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  const code: unknown = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const name = error instanceof Error ? error.name : 'Error';
  const timedOut = name === 'TimeoutError' || name === 'AbortError';
  return {
    kind: 'Transient',
    code: timedOut ? 'vendor.timeout' : 'vendor.unreachable',
    effectUnknown: isWrite && code !== 'ECONNREFUSED',
    evidence: { cause: typeof code === 'string' ? code : name },
  };
}

export const isReply = (answer: VendorReply | { kind: string }): answer is VendorReply => 'status' in answer;

/**
 * Reads failure out of a reply by HTTP semantics; undefined means that the status is not a failure every vendor shares
 * (2xx, 404, 409, 412 and the like are the connector's to judge).
 */
export function failureOf(
  reply: VendorReply,
  isWrite: boolean,
  now: Date = new Date(),
): CallFailure | undefined {
  const { status } = reply;
  const evidence = { status, contentType: reply.contentType.split(';')[0] ?? '' };
  const limited = status === 429 || ((status === 403 || status === 503) && reply.headers.has('retry-after'));
  if (limited)
    return {
      kind: 'RateLimited',
      code: 'vendor.rate-limited',
      until: resetTime(reply.headers, now),
      evidence,
    };
  if (status === 401)
    return {
      kind: 'AuthFailed',
      code: 'credentials.rejected',
      help: 'renew the credential of this instance',
      evidence,
    };
  if (status === 403)
    return {
      kind: 'Forbidden',
      code: 'vendor.forbidden',
      help: 'look at why the vendor refuses this account',
      evidence,
    };
  if (status >= 300 && status < 400)
    return {
      kind: 'AuthFailed',
      code: 'vendor.redirected',
      help: 'the target redirects instead of answering: check address and credential',
      evidence,
    };
  if (status === 408 || status === 425 || status >= 500)
    return { kind: 'Transient', code: `vendor.http-${status}`, effectUnknown: isWrite, evidence };
  return undefined;
}
