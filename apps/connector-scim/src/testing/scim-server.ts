import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const MAIN = path.resolve(import.meta.dirname, '../../../sever/dist/sandbox/target-scim/main.js');
const START_MS = 20_000;

/** The bundled SCIM service in a process of its own, and an administrator's door to it. */
export class ScimServer {
  private constructor(
    readonly origin: string,
    readonly token: string,
    private readonly child: ChildProcess,
    private readonly folder: string,
  ) {}

  static async start(): Promise<ScimServer> {
    const folder = mkdtempSync(path.join(tmpdir(), 'sever-scim-'));
    const token = randomBytes(16).toString('hex');
    const port = await freePort();
    const child = spawn(process.execPath, [MAIN], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        SEVER_TARGET_PORT: String(port),
        SEVER_TARGET_TOKEN: token,
        SEVER_TARGET_DATA: folder,
        // It ends when this process does, however this process ends.
        SEVER_PARENT_FD: '3',
      },
    });
    child.stdio[3]?.on('error', () => undefined);
    const server = new ScimServer(`http://127.0.0.1:${port}`, token, child, folder);
    await server.healthy();
    return server;
  }

  get baseUrl(): string {
    return `${this.origin}/scim/v2`;
  }

  /** One request with the administrator's token; the body of the answer is undefined when there is none. */
  async call(
    method: string,
    place: string,
    body?: object,
  ): Promise<{ status: number; body: Record<string, unknown> }> {
    const reply = await fetch(this.baseUrl + place, {
      method,
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/scim+json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await reply.text();
    return { status: reply.status, body: text ? (JSON.parse(text) as Record<string, unknown>) : {} };
  }

  /** The same, and what is no success is an error. */
  async must(method: string, place: string, body?: object): Promise<Record<string, unknown>> {
    const reply = await this.call(method, place, body);
    if (reply.status > 299)
      throw new Error(`${method} ${place} answered ${reply.status}: ${JSON.stringify(reply.body)}`);
    return reply.body;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGKILL');
      await once(this.child, 'exit');
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async healthy(): Promise<void> {
    const errors: string[] = [];
    this.child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
    for (const deadline = Date.now() + START_MS; Date.now() < deadline; await sleep(50)) {
      const reply = await fetch(`${this.origin}/healthz`).catch(() => undefined);
      if (reply?.ok) return;
      if (this.child.exitCode !== null) break;
    }
    await this.stop();
    throw new Error(
      `the SCIM service did not start; is everything built (npm run build)? ${errors.join('')}`,
    );
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
