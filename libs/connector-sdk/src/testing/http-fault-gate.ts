import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Fault, FaultName, InjectedFault } from './contract-target.js';

/** One request as it arrived at the gate. `path` includes the query. */
export type GateRequest = {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
};
export type GateReply = { status: number; headers: Record<string, string>; body: string };

export type HttpFaultGateOptions = {
  /** Origin of the real target. */
  target: string;
  /** An error as this vendor writes it. */
  errorReply(status: number): GateReply;
  /** The same list with a total that it does not hold; undefined for a reply that is no list. */
  withLargerTotal?(reply: GateReply): GateReply | undefined;
  /** The same request as of a vendor that ignores filters; undefined for a request without one. */
  withoutFilter?(request: GateRequest): GateRequest | undefined;
};

type Active = { fault: Fault; passed: number; fired: number };

/** Answers instead of the target, or undefined to let a request pass. */
export type Script = (request: GateRequest) => GateReply | undefined | Promise<GateReply | undefined>;

/** Faults that need nothing of the target: the reply is made up. */
const CANNED: Partial<Record<FaultName, (fault: Fault, o: HttpFaultGateOptions) => GateReply>> = {
  'rate-limited': (fault, o) => withHeader(o.errorReply(429), fault.header),
  'rate-limited-as-forbidden': (fault, o) => {
    const reply = withHeader(o.errorReply(403), fault.header ?? ['retry-after', '30']);
    return withHeader(reply, ['x-ratelimit-remaining', '0']);
  },
  'server-error': (_fault, o) => o.errorReply(500),
  unavailable: (_fault, o) => o.errorReply(503),
  unauthorized: (_fault, o) => o.errorReply(401),
  'write-refused': (_fault, o) => o.errorReply(400),
  'error-body': (_fault, o) => ({ ...o.errorReply(500), status: 200 }),
  malformed: () => ({ status: 200, headers: { 'content-type': 'application/json' }, body: '{"half":' }),
  empty: () => ({ status: 200, headers: { 'content-type': 'application/json' }, body: '' }),
  'foreign-not-found': () => page(404, '<h1>Not Found</h1>'),
  'login-page': () => page(200, '<form action="/login"><input type="password"></form>'),
  redirect: () => ({ status: 302, headers: { location: '/login' }, body: '' }),
  'false-success': () => ({ status: 204, headers: {}, body: '' }),
};

const page = (status: number, body: string): GateReply => ({
  status,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  body: `<!doctype html><title>x</title>${body}`,
});

const withHeader = (reply: GateReply, header: readonly [string, string] | undefined): GateReply =>
  header ? { ...reply, headers: { ...reply.headers, [header[0]]: header[1] } } : reply;

/** A small proxy in front of a real HTTP target that counts what arrives and misbehaves when told to. */
export class HttpFaultGate {
  /** When set, asked before the faults: a vendor of one's own on the same address. */
  script: Script | undefined;
  /** What arrived, oldest first. */
  readonly journal: GateRequest[] = [];
  private active: Active[] = [];
  private readonly counts = { calls: 0, writes: 0 };
  private readonly held = new Set<ServerResponse>();
  private port = 0;

  private constructor(
    private readonly o: HttpFaultGateOptions,
    private readonly server: Server,
  ) {}

  static async open(o: HttpFaultGateOptions): Promise<HttpFaultGate> {
    const server = createServer();
    const gate = new HttpFaultGate(o, server);
    server.on('request', (request, response) => {
      void gate.handle(request, response).catch(() => response.destroy());
    });
    await gate.listen();
    return gate;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  traffic(): { calls: number; writes: number } {
    return { ...this.counts };
  }

  async inject(fault: Fault): Promise<InjectedFault> {
    const active: Active = { fault, passed: 0, fired: 0 };
    this.active.push(active);
    if (fault.name === 'refused') {
      await this.shut();
      // Nobody can count connections that a closed port refuses.
      active.fired = 1;
    }
    return {
      fired: () => active.fired,
      clear: async () => {
        const wasActive = this.active.includes(active);
        this.active = this.active.filter(other => other !== active);
        this.drop();
        if (wasActive && fault.name === 'refused') await this.listen();
      },
    };
  }

  /** Ends every fault; what hangs is dropped. */
  async clear(): Promise<void> {
    const wasShut = this.active.some(a => a.fault.name === 'refused');
    this.active = [];
    this.drop();
    if (wasShut) await this.listen();
  }

  async close(): Promise<void> {
    if (this.server.listening) await this.shut();
  }

  private drop(): void {
    for (const response of this.held) response.destroy();
    this.held.clear();
  }

  private async listen(): Promise<void> {
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as AddressInfo).port;
  }

  private async shut(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }

  private async handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await read(incoming);
    const isWrite = request.method !== 'GET' && request.method !== 'HEAD';
    this.journal.push(request);
    this.counts.calls += 1;
    if (isWrite) this.counts.writes += 1;
    const scripted = await this.script?.(request);
    if (scripted) return send(response, scripted);
    const active = this.active.find(a => this.meets(a, isWrite));
    if (!active) return send(response, await this.forward(request));
    await this.misbehave(active, request, response);
  }

  private meets(active: Active, isWrite: boolean): boolean {
    const { on, after, times } = active.fault;
    if (on === 'writes' && !isWrite) return false;
    if (active.passed < (after ?? 0)) {
      active.passed += 1;
      return false;
    }
    return times === undefined || active.fired < times;
  }

  private async misbehave(active: Active, request: GateRequest, response: ServerResponse): Promise<void> {
    const { fault } = active;
    const canned = CANNED[fault.name];
    if (canned) {
      active.fired += 1;
      return send(response, canned(fault, this.o));
    }
    switch (fault.name) {
      case 'hang':
        active.fired += 1;
        this.held.add(response);
        return;
      case 'reset':
        active.fired += 1;
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
        response.write('{"half":', () => response.destroy());
        return;
      case 'response-lost':
        active.fired += 1;
        await this.forward(request);
        response.destroy();
        return;
      case 'truncated-list': {
        const reply = await this.forward(request);
        const larger = this.o.withLargerTotal?.(reply);
        if (larger) active.fired += 1;
        return send(response, larger ?? reply);
      }
      case 'filter-ignored': {
        const ignoring = this.o.withoutFilter?.(request);
        if (ignoring) active.fired += 1;
        return send(response, await this.forward(ignoring ?? request));
      }
      default:
        return send(response, await this.forward(request));
    }
  }

  private async forward(request: GateRequest): Promise<GateReply> {
    const reply = await fetch(this.o.target + request.path, {
      method: request.method,
      redirect: 'manual',
      headers: request.headers,
      ...(request.body !== '' && { body: request.body }),
    });
    return {
      status: reply.status,
      headers: { 'content-type': reply.headers.get('content-type') ?? '' },
      body: await reply.text(),
    };
  }
}

/** Headers that belong to one connection and not to the request. */
const HOP: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'keep-alive',
  'accept-encoding',
]);

async function read(incoming: IncomingMessage): Promise<GateRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const headers = Object.fromEntries(
    Object.entries(incoming.headers).flatMap(([name, value]) =>
      HOP.has(name) || value === undefined ? [] : [[name, String(value)]],
    ),
  );
  return {
    method: incoming.method ?? 'GET',
    path: incoming.url ?? '/',
    headers,
    body: Buffer.concat(chunks).toString('utf8'),
  };
}

function send(response: ServerResponse, reply: GateReply): void {
  const headers = Object.entries(reply.headers).filter(([, value]) => value !== '');
  response
    .writeHead(reply.status, Object.fromEntries(headers))
    .end(reply.status === 204 ? undefined : reply.body);
}
