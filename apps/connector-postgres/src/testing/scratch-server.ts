import type { Connector, Ctx, MatchRule, Snapshot, Step, Target } from '@sever/connector-sdk';
import { startScratchPostgres } from '@sever/embedded-postgres/testing';
import { Client } from 'pg';
import { postgres } from '../connector.js';
import { quoted } from '../role.js';

export const PASSWORD = 'a-password-of-the-target';
export const HEIR = 'the_heir';

export const ctx = (match: MatchRule = { by: 'userName' }): Ctx => ({
  tenant: 'acme',
  signal: AbortSignal.timeout(120_000),
  idempotencyKey: 'spec',
  permit: () => Promise.resolve(),
  traceparent: undefined,
  match,
});

/** A server of its own for a spec, a connector to it, and an administrator's way past the connector. */
export class ScratchServer {
  private readonly clients: Client[] = [];

  private constructor(
    readonly server: Awaited<ReturnType<typeof startScratchPostgres>>,
    readonly connector: Connector,
  ) {}

  static async start(settings: Readonly<Record<string, string>> = {}): Promise<ScratchServer> {
    const server = await startScratchPostgres({ fsync: 'off', ...settings });
    const scratch = new ScratchServer(server, connectorOf(server.port, server.password));
    await scratch.run(`create role ${HEIR} nologin`);
    await scratch.run('create database second');
    return scratch;
  }

  /** A connector of another role, or through another port. */
  as(user: string, password: string, port = this.server.port): Connector {
    return connectorOf(port, password, user);
  }

  async run(sql: string, database = 'postgres'): Promise<Record<string, unknown>[]> {
    const client = new Client({ connectionString: this.server.url.replace(/\/postgres$/, `/${database}`) });
    await client.connect();
    try {
      const result: unknown = await client.query<Record<string, unknown>>(sql);
      const [last] = [result].flat().slice(-1) as { rows: Record<string, unknown>[] }[];
      return last?.rows ?? [];
    } finally {
      await client.end();
    }
  }

  /** One value of one row. */
  async value(sql: string, database?: string): Promise<unknown> {
    const [row] = await this.run(sql, database);
    return row && Object.values(row)[0];
  }

  /** Makes a role that can log in, and locates it. */
  async person(name: string, options = ''): Promise<Target> {
    await this.run(`create role ${quoted(name)} login password '${PASSWORD}' ${options}`);
    return this.locate(name);
  }

  async locate(name: string): Promise<Target> {
    const found = await this.connector.locate({ tenant: 'acme', subject: 's', userName: name }, ctx());
    if (found.kind !== 'Located') throw new Error(`not located: ${found.kind}`);
    return found.target;
  }

  /** An open session of a role; ended with the server at the latest. */
  async session(
    name: string,
    database = 'postgres',
    options = '',
  ): Promise<Client & { isOver: () => boolean }> {
    const client = new Client({
      host: '127.0.0.1',
      port: this.server.port,
      user: name,
      password: PASSWORD,
      database,
      ...(options && { replication: options }),
    });
    let over = false;
    client.on('error', () => (over = true));
    client.on('end', () => (over = true));
    await client.connect();
    this.clients.push(client);
    return Object.assign(client, { isOver: () => over });
  }

  async act(step: Step, target: Target, connector = this.connector): Promise<string | undefined> {
    return (await connector[step]?.(target, ctx()))?.kind;
  }

  async proof(step: Step, target: Target): Promise<string> {
    return (await this.connector.verify(step, target, ctx())).kind;
  }

  async snapshot(step: Step, target: Target): Promise<Snapshot> {
    const taken = await this.connector.snapshot?.(step, target, ctx());
    if (taken?.kind !== 'Snapshot') throw new Error(`no snapshot of ${step}: ${taken?.kind}`);
    return taken.snapshot;
  }

  async dispose(): Promise<void> {
    await Promise.all(this.clients.map(client => client.end().catch(() => undefined)));
    await this.connector.close();
    await this.server.dispose();
  }
}

const connectorOf = (port: number, password: string, user = 'sever_owner'): Connector =>
  postgres.connect({
    id: 'postgres',
    settings: postgres.parseSettings({
      host: '127.0.0.1',
      port,
      database: 'postgres',
      user,
      passwordRef: 'env:UNUSED',
      heir: HEIR,
      protectedRoles: ['untouchable'],
    }),
    secret: () => Promise.resolve(password),
  });
