import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Fault, FaultName, InjectedFault } from '@sever/connector-sdk/testing';
import { errorReply, FrontendFrames, garbage, silentSuccess, type Frame } from './pg-frames.js';

type Active = { fault: Fault; passed: number; fired: number };
/** One client's connection and its twin to the server. */
type Pair = {
  client: Socket;
  server: Socket;
  inTransaction: boolean;
  hasWritten: boolean;
  swallowing: boolean;
};

/** Faults that meet a client as it logs in. */
const AT_LOGIN: Partial<Record<FaultName, { code: string; message: string }>> = {
  unauthorized: { code: '28P01', message: 'password authentication failed' },
  unavailable: { code: '57P03', message: 'the database system is starting up' },
};

/**
 * A proxy in front of a real server that reads the client's side of the protocol: it counts statements, knows which write, and
 * misbehaves when told to.
 */
export class PgGate {
  /** Every statement that arrived, oldest first. */
  readonly statements: string[] = [];
  /** Called with each statement before it is passed on. */
  onStatement: ((statement: string) => void | Promise<void>) | undefined;
  private active: Active[] = [];
  private readonly pairs = new Set<Pair>();
  private readonly counts = { calls: 0, writes: 0 };

  private constructor(
    private readonly server: Server,
    private readonly target: number,
    public port: number,
  ) {}

  static async open(target: number): Promise<PgGate> {
    const gate = new PgGate(createServer(), target, 0);
    gate.server.on('connection', socket => gate.accept(socket));
    await gate.listen();
    return gate;
  }

  traffic(): { calls: number; writes: number } {
    return { ...this.counts };
  }

  async inject(fault: Fault): Promise<InjectedFault> {
    const active: Active = { fault, passed: 0, fired: 0 };
    this.active.push(active);
    if (AT_LOGIN[fault.name]) await this.hangUp();
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
        if (fault.name === 'hang') this.cut();
        if (wasActive && fault.name === 'refused') await this.listen();
      },
    };
  }

  /** Cuts every connection, as a network does. */
  cut(): void {
    for (const { client, server } of this.pairs) {
      client.destroy();
      server.destroy();
    }
  }

  /** Ends every connection in order; resolves when the clients have noticed. */
  private async hangUp(): Promise<void> {
    await Promise.all(
      [...this.pairs].map(async ({ client }) => {
        const closed = once(client, 'close');
        client.end();
        await closed;
      }),
    );
  }

  async close(): Promise<void> {
    if (this.server.listening) await this.shut();
  }

  private async listen(): Promise<void> {
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as AddressInfo).port;
  }

  private async shut(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.cut();
    await closed;
  }

  private accept(client: Socket): void {
    const server = connect(this.target, '127.0.0.1');
    const pair: Pair = { client, server, inTransaction: false, hasWritten: false, swallowing: false };
    this.pairs.add(pair);
    const end = (): void => {
      this.pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) socket.on('error', end).on('close', end);
    const frames = new FrontendFrames();
    let order: Promise<void> = Promise.resolve();
    client.on('data', (chunk: Buffer) => {
      for (const frame of frames.push(chunk)) order = order.then(() => this.frame(pair, frame)).catch(end);
    });
    server.on('data', (chunk: Buffer) => client.write(chunk));
  }

  private async frame(pair: Pair, frame: Frame): Promise<void> {
    if (pair.swallowing) {
      // The rest of an extended query that was answered already.
      if (frame.type === 'S') pair.swallowing = false;
      return;
    }
    if (frame.type === 'startup') {
      const refusal = this.active.find(a => AT_LOGIN[a.fault.name]);
      if (refusal) {
        refusal.fired += 1;
        pair.client.end(errorReply(AT_LOGIN[refusal.fault.name], undefined));
        return;
      }
    }
    if (frame.statement === undefined) {
      pair.server.write(frame.bytes);
      return;
    }
    await this.statement(pair, frame, frame.statement);
  }

  private async statement(pair: Pair, frame: Frame, text: string): Promise<void> {
    await this.onStatement?.(text);
    this.statements.push(text);
    const isWrite = writes(text);
    this.counts.calls += 1;
    if (isWrite) this.counts.writes += 1;
    const active = this.active.find(a => this.meets(a, pair, text, isWrite));
    if (active && this.misbehave(active, pair, frame, text)) return;
    this.track(pair, text, isWrite);
    pair.server.write(frame.bytes);
  }

  private track(pair: Pair, text: string, isWrite: boolean): void {
    if (/^\s*begin/i.test(text)) Object.assign(pair, { inTransaction: true, hasWritten: false });
    if (/^\s*(commit|rollback)\s*$/i.test(text)) pair.inTransaction = false;
    if (isWrite) pair.hasWritten = true;
  }

  /** A write takes effect with its commit: that is when the reply to it can be lost. */
  private meets(active: Active, pair: Pair, text: string, isWrite: boolean): boolean {
    const { name, on, after, times } = active.fault;
    if (name === 'refused' || AT_LOGIN[name]) return false;
    if (name === 'response-lost') {
      const takesEffect = pair.inTransaction ? pair.hasWritten && /^\s*commit/i.test(text) : isWrite;
      if (!takesEffect) return false;
    } else if (on === 'writes' && !isWrite) return false;
    if (active.passed < (after ?? 0)) {
      active.passed += 1;
      return false;
    }
    return times === undefined || active.fired < times;
  }

  /** @returns whether the statement was dealt with here */
  private misbehave(active: Active, pair: Pair, frame: Frame, text: string): boolean {
    active.fired += 1;
    const status = pair.inTransaction ? 'T' : 'I';
    const answer = (bytes: Buffer): true => {
      pair.swallowing = frame.type === 'P';
      pair.client.write(bytes);
      return true;
    };
    switch (active.fault.name) {
      case 'hang':
        pair.swallowing = frame.type === 'P';
        return true;
      case 'reset':
        pair.client.resetAndDestroy();
        pair.server.destroy();
        return true;
      case 'response-lost':
        // The server ends its work before it sees the end of the connection.
        pair.server.removeAllListeners('data');
        pair.server.on('data', () => pair.client.destroy());
        return false;
      case 'server-error':
        return answer(errorReply({ code: 'XX000', message: 'made up by a test' }, status));
      case 'write-refused':
        return answer(errorReply({ code: 'P0001', message: 'made up by a test' }, status));
      case 'malformed':
        return answer(garbage());
      case 'false-success':
        return answer(silentSuccess(text, frame.type === 'P', status));
      default:
        return false;
    }
  }
}

/** Whether a statement changes something: everything but reading, and what frames a transaction. */
const writes = (text: string): boolean =>
  /pg_terminate_backend/.test(text) ||
  !/^\s*(select|with|begin|commit|rollback|savepoint|release|set|reset|show)\b/i.test(text);
