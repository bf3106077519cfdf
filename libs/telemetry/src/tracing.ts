import {
  context,
  propagation,
  trace,
  SpanKind,
  SpanStatusCode,
  type Context,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AlwaysOffSampler, BatchSpanProcessor, type SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

const TRACER = 'sever';

/** Where spans go: an OTLP endpoint, or a processor given by a test. Nothing is recorded without either. */
export type TracingOptions = {
  process: string;
  otlpEndpoint?: string | undefined;
  processor?: SpanProcessor;
};

/**
 * Starts tracing for this process; the returned function flushes and stops it. Without a destination nothing is recorded, yet
 * trace context is made and carried on, since every event tells the trace that it belongs to.
 */
export function startTracing(o: TracingOptions): () => Promise<void> {
  const processor =
    o.processor ??
    (o.otlpEndpoint ? new BatchSpanProcessor(new OTLPTraceExporter({ url: o.otlpEndpoint })) : undefined);
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': o.process }),
    ...(processor ? { spanProcessors: [processor] } : { sampler: new AlwaysOffSampler() }),
  });
  provider.register();
  return async () => {
    await provider.shutdown();
    trace.disable();
    context.disable();
    propagation.disable();
  };
}

export const tracer = (): Tracer => trace.getTracer(TRACER);

/** W3C `traceparent` of the active span, to be carried in an event or a request. Undefined when nothing is traced. */
export function currentTraceparent(): string | undefined {
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent;
}

/** Context that continues the trace of a `traceparent`; the active context when there is none. */
export function contextOf(traceparent: string | undefined): Context {
  return traceparent ? propagation.extract(context.active(), { traceparent }) : context.active();
}

export type SpanOptions = {
  kind?: SpanKind;
  traceparent?: string | undefined;
  /** Opaque ids, types and codes only: attributes are as public as logs. */
  attributes?: Readonly<Record<string, string | number | boolean>>;
};

/** Runs `work` in a span; a thrown error marks the span as failed and goes on. */
export async function inSpan<T>(name: string, o: SpanOptions, work: (span: Span) => Promise<T>): Promise<T> {
  const parent = contextOf(o.traceparent);
  const span = tracer().startSpan(
    name,
    { kind: o.kind ?? SpanKind.INTERNAL, attributes: { ...o.attributes } },
    parent,
  );
  return context.with(trace.setSpan(parent, span), async () => {
    try {
      return await work(span);
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : 'error' });
      throw error;
    } finally {
      span.end();
    }
  });
}
