import type { Ctx } from '@sever/connector-sdk';
import { Pool, type Client, type PoolClient } from 'pg';
import type { PostgresSettings } from './config.js';

const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 10_000;
const LOCK_TIMEOUT_MS = 5_000;
const IDLE_MS = 10_000;
/** Connections per database of the target: it serves others as well. */
const CONNECTIONS_MAX = 6;

/** Connections to the databases of the target; what a query reads is always the server's present state. */
export class Sessions {
  private readonly pools = new Map<string, Pool>();

  constructor(
    private readonly settings: PostgresSettings,
    private readonly secret: (reference: string) => Promise<string>,
  ) {}

  /** Runs `work` on a connection to a database; an aborted attempt ends the connection. */
  async in<T>(
    ctx: Pick<Ctx, 'signal'>,
    work: (client: PoolClient) => Promise<T>,
    database = this.settings.database,
  ): Promise<T> {
    ctx.signal.throwIfAborted();
    const client = await this.pool(database).connect();
    let broken = false;
    const abort = (): void => {
      broken = true;
      void (client as unknown as Client).end().catch(() => undefined);
    };
    ctx.signal.addEventListener('abort', abort, { once: true });
    try {
      return await work(client);
    } catch (error) {
      broken = true;
      throw error;
    } finally {
      ctx.signal.removeEventListener('abort', abort);
      client.release(broken);
    }
  }

  /** Names of all databases that accept connections. */
  databases(ctx: Pick<Ctx, 'signal'>): Promise<string[]> {
    return this.in(ctx, async client => {
      const found = await client.query<{ datname: string }>(
        'select datname from pg_database where datallowconn order by datname',
      );
      return found.rows.map(row => row.datname);
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.pools.values()].map(pool => pool.end()));
  }

  private pool(database: string): Pool {
    const known = this.pools.get(database);
    if (known) return known;
    const { host, port, user, passwordRef, ssl } = this.settings;
    const pool = new Pool({
      host,
      port,
      user,
      database,
      ssl,
      password: () => this.secret(passwordRef),
      application_name: 'sever-connector',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      lock_timeout: LOCK_TIMEOUT_MS,
      idleTimeoutMillis: IDLE_MS,
      max: CONNECTIONS_MAX,
    });
    pool.on('error', () => undefined);
    this.pools.set(database, pool);
    return pool;
  }
}

/** Runs statements in one transaction. */
export async function transaction<T>(client: PoolClient, work: () => Promise<T>): Promise<T> {
  await client.query('begin');
  try {
    const result = await work();
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}
