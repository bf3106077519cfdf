import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { call, eventually } from '../harness/clients.js';
import { inState, makePerson, register, type Person } from '../harness/person.js';
import { startPipeline, type Pipeline } from '../harness/pipeline.js';

jest.setTimeout(120_000);

/** A span as OTLP/JSON carries it, with the process that made it. */
type Span = {
  process: string;
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  attributes: { key: string; value: Record<string, unknown> }[];
};

type OtlpRequest = {
  resourceSpans: {
    resource: { attributes: { key: string; value: { stringValue?: string } }[] };
    scopeSpans: { spans: Omit<Span, 'process'>[] }[];
  }[];
};

/** Receives OTLP over HTTP and keeps the spans in memory. */
class SpanCollector {
  readonly spans: Span[] = [];
  private readonly server: Server;

  constructor() {
    this.server = createServer((request, reply) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        this.keep(JSON.parse(Buffer.concat(chunks).toString('utf8')) as OtlpRequest);
        reply.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      });
    });
  }

  async start(): Promise<string> {
    await new Promise<void>(resolve => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1/traces`;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private keep(request: OtlpRequest): void {
    for (const { resource, scopeSpans } of request.resourceSpans) {
      const process = resource.attributes.find(a => a.key === 'service.name')?.value.stringValue ?? '';
      for (const { spans } of scopeSpans) for (const span of spans) this.spans.push({ ...span, process });
    }
  }
}

const TRACE = 'd6f4c1a29b3e4f708192a3b4c5d6e7f8';
const CALLER = '00aa11bb22cc33dd';

describe('a trace', () => {
  const collector = new SpanCollector();
  let pipeline: Pipeline;
  let person: Person;
  const mine = (): Span[] => collector.spans.filter(span => span.traceId === TRACE);

  beforeAll(async () => {
    const endpoint = await collector.start();
    pipeline = await startPipeline(['--hold', 'none'], {
      env: { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: endpoint },
    });
    person = await makePerson(pipeline, 'traced');
    const id = await register(pipeline, 'entra', person.userName);
    const { baseUrl, token } = pipeline.connection('entra');
    const Operations = [{ op: 'Replace', path: 'active', value: 'False' }];
    const schemas = ['urn:ietf:params:scim:api:messages:2.0:PatchOp'];
    const headers = { traceparent: `00-${TRACE}-${CALLER}-01` };
    const reply = await call('PATCH', `${baseUrl}/Users/${id}`, token, { schemas, Operations }, headers);
    expect(reply.status).toBe(204);
    await inState(pipeline, person.userName, ['closed']);
    await eventually('the spans of every process', () =>
      Promise.resolve(
        ['scim-ingress', 'coordinator', 'connector-scim', 'connector-postgres'].every(name =>
          mine().some(span => span.process === name),
        ),
      ),
    );
  });
  afterAll(async () => {
    await pipeline?.dispose();
    collector.stop();
  });

  it('begins at the caller and runs through the log to each downstream call', async () => {
    const request = mine().find(span => span.process === 'scim-ingress');
    expect(request?.parentSpanId).toBe(CALLER);
    const calls = await eventually('the calls that purge', () => {
      const found = mine().filter(span => span.name === 'connector.act');
      const stepsOf = (process: string): unknown[] =>
        found
          .filter(span => span.process === process)
          .map(span => span.attributes.find(a => a.key === 'step')?.value.stringValue);
      return Promise.resolve(
        ['connector-scim', 'connector-postgres'].every(name => stepsOf(name).includes('delete')) && found,
      );
    });
    const ids = new Set(mine().map(span => span.spanId));
    for (const span of calls) expect(ids.has(span.parentSpanId ?? '')).toBe(true);
  });

  it('names nobody', () => {
    expect(JSON.stringify(collector.spans)).not.toContain(person.userName);
  });
});
