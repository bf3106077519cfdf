import type { Ctx } from '../connector.js';
import type { AuthFailed, Forbidden, Malformed, RateLimited, Transient } from '../outcome.js';
import { resetTime } from './retry-after.js';
import { unreachable } from './unreachable.js';

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
  /** Version that the resource must still have, for a write that replaces it. */
  ifMatch?: string | undefined;
};

const BODY_BYTES_MAX = 16 * 1024 * 1024;

/** One HTTP call per call: no redirects, no retries, no caches, no other host, no body larger than the limit. */
export function createVendorHttp(
  o: VendorHttpOptions,
): (request: VendorRequest, ctx: Pick<Ctx, 'signal' | 'traceparent'>) => Promise<VendorReply | CallFailure> {
  return async (request, ctx) => {
    const isWrite = request.method !== 'GET';
    const authorization = await credential(o.authorization);
    if (typeof authorization !== 'string') return authorization;
    try {
      const reply = await fetch(`${o.baseUrl}${request.path}`, {
        method: request.method,
        redirect: 'manual',
        signal: ctx.signal,
        headers: {
          authorization,
          accept: o.accept,
          ...(!isWrite && { 'cache-control': 'no-cache' }),
          ...(request.ifMatch !== undefined && { 'if-match': request.ifMatch }),
          ...(request.body !== undefined && { 'content-type': request.contentType ?? 'application/json' }),
          ...(ctx.traceparent !== undefined && { traceparent: ctx.traceparent }),
        },
        ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
      });
      return await readReply(reply, o.bodyBytesMax ?? BODY_BYTES_MAX);
    } catch (error) {
      return unreachable(error, isWrite, ctx.signal.aborted);
    }
  };
}

/** The credential as a header value. One that cannot be read or sent is the connector's fault, not the target's. */
async function credential(read: () => Promise<string>): Promise<string | AuthFailed> {
  const value = await read().catch(() => undefined);
  if (value !== undefined && /^[\t\x20-\x7e\x80-\xff]+$/.test(value)) return value;
  return {
    kind: 'AuthFailed',
    code: value === undefined ? 'credentials.unreadable' : 'credentials.unusable',
    help: 'make the reference of the credential readable, with the plain credential in it',
    evidence: {},
  };
}

/** Reads no further than the limit: a body without end must not fill the memory. */
async function readReply(reply: Response, limit: number): Promise<VendorReply | Malformed> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of reply.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > limit)
      return { kind: 'Malformed', code: 'reply.too-large', evidence: { status: reply.status, bytes } };
    chunks.push(chunk);
  }
  const contentType = reply.headers.get('content-type') ?? '';
  const text = new TextDecoder().decode(Buffer.concat(chunks));
  return { status: reply.status, headers: reply.headers, contentType, json: parse(text), bytes };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
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
  if (isRateLimit(reply))
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
  // A page for people with a success status: a login form, a portal or a maintenance notice in front of the API.
  if (status >= 200 && status < 300 && /^text\/html\b/i.test(reply.contentType) && reply.bytes > 0)
    return {
      kind: 'AuthFailed',
      code: 'vendor.web-page',
      help: 'the target shows a web page instead of answering: check address and credential',
      evidence,
    };
  if (status === 408 || status === 425 || status >= 500)
    return { kind: 'Transient', code: `vendor.http-${status}`, effectUnknown: isWrite, evidence };
  return undefined;
}

/** 429, and the other statuses by which vendors say that a quota is used up. */
function isRateLimit({ status, headers }: VendorReply): boolean {
  if (status === 429) return true;
  if (status !== 403 && status !== 503) return false;
  return headers.has('retry-after') || REMAINING_HEADERS.some(name => headers.get(name) === '0');
}

const REMAINING_HEADERS = ['x-ratelimit-remaining', 'x-rate-limit-remaining', 'ratelimit-remaining'];
