import { afterEach, describe, expect, it } from '@jest/globals';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { currentTraceparent, inSpan, startTracing } from './tracing.js';

const CALLER = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const parts = (traceparent: string | undefined): string[] => (traceparent ?? '').split('-');

describe('tracing', () => {
  let stop = (): Promise<void> => Promise.resolve();
  afterEach(() => stop());

  it('carries a trace through a header into what a span causes', async () => {
    const exporter = new InMemorySpanExporter();
    stop = startTracing({ process: 'spec', processor: new SimpleSpanProcessor(exporter) });
    const carried = await inSpan('request', { traceparent: CALLER }, () =>
      Promise.resolve(currentTraceparent()),
    );
    await inSpan('call', { traceparent: carried, attributes: { step: 'suspend' } }, () => Promise.resolve());
    const [request, call] = exporter.getFinishedSpans();
    expect(request?.parentSpanContext?.spanId).toBe(parts(CALLER)[2]);
    expect(call?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId);
    expect([request, call].map(span => span?.spanContext().traceId)).toEqual([
      parts(CALLER)[1],
      parts(CALLER)[1],
    ]);
    expect(call?.attributes).toEqual({ step: 'suspend' });
  });

  it('marks a span whose work failed, and tells of the error only its kind', async () => {
    const exporter = new InMemorySpanExporter();
    stop = startTracing({ process: 'spec', processor: new SimpleSpanProcessor(exporter) });
    const failing = inSpan('call', {}, () =>
      Promise.reject(new TypeError('no account for jane@acme.example')),
    );
    await expect(failing).rejects.toThrow(TypeError);
    const [span] = exporter.getFinishedSpans();
    expect(span?.status).toEqual({ code: 2, message: 'TypeError' });
    expect(JSON.stringify([span?.status, span?.attributes, span?.events])).not.toContain('jane');
  });

  it('records nothing without a destination, yet carries the trace on', async () => {
    stop = startTracing({ process: 'spec' });
    const carried = await inSpan('request', { traceparent: CALLER }, span => {
      expect(span.isRecording()).toBe(false);
      return Promise.resolve(currentTraceparent());
    });
    expect(parts(carried)[1]).toBe(parts(CALLER)[1]);
    expect(parts(carried)[3]).toBe('00');
    const own = await inSpan('request', {}, () => Promise.resolve(currentTraceparent()));
    expect(own).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  });
});
