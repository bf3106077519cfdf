import { context, trace, type Context } from '@opentelemetry/api';
import { contextOf, tracer } from '@sever/telemetry';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isWriting } from './writing-methods.js';

/**
 * One span per request, continuing the caller's trace (W3C Trace Context). The context is entered after the body was read:
 * the stream's events belong to the socket, and a context entered earlier would be lost with them.
 */
export function traceRequests(fastify: FastifyInstance): void {
  const contexts = new WeakMap<FastifyRequest, Context>();
  fastify.addHook('onRequest', (request, reply, done) => {
    const { traceparent } = request.headers;
    const parent = contextOf(typeof traceparent === 'string' ? traceparent : undefined);
    const span = tracer().startSpan(`${request.method} ${request.routeOptions.url ?? 'unknown'}`, {}, parent);
    if (span.isRecording())
      reply.raw.once('close', () => {
        span.setAttribute('http.response.status_code', reply.statusCode);
        span.end();
      });
    // What writes carries its trace into events, also when nobody records it.
    if (span.isRecording() || isWriting(request.method)) contexts.set(request, trace.setSpan(parent, span));
    done();
  });
  fastify.addHook('preHandler', (request, _reply, done) => {
    const entered = contexts.get(request);
    if (entered) context.with(entered, done);
    else done();
  });
}
