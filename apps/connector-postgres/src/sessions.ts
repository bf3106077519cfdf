import type { Ctx } from '@sever/connector-sdk';
import { Client } from 'pg';
import type { PostgresSettings } from './config.js';

const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 10_000;
const LOCK_TIMEOUT_MS = 5_000;

/** Opens connections to the target; each use is a new connection, so that what is read is fresh. */
export class Sessions {
  constructor(
    private readonly settings: PostgresSettings,
    private readonly secret: (reference: string) => Promise<string>,
  ) {}

  /** Runs `work` on a connection to a database; an aborted attempt ends the connection. */
  async in<T>(ctx: Pick<Ctx, 'signal'>, work: (client: Client) => Promise<T>, database = this.settings.database): Promise<T> {
    ctx.signal.throwIfAborted();
    const { host, port, user, passwordRef, ssl } = this.settings;
    const client = new Client({
      host,
      port,
      user,
      database,
      ssl,
      password: await this.secret(passwordRef),
      application_name: 'sever-connector',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      lock_timeout: LOCK_TIMEOUT_MS,
    });
    client.on('error', () => undefined);
    const abort = (): void => void client.end().catch(() => undefined);
    ctx.signal.addEventListener('abort', abort, { once: true });
    try {
      await client.connect();
      return await work(client);
    } finally {
      ctx.signal.removeEventListener('abort', abort);
      await client.end().catch(() => undefined);
    }
  }

  /** Names of all databases that accept connections. */
  databases(ctx: Pick<Ctx, 'signal'>): Promise<string[]> {
    return this.in(ctx, async client => {
      const found = await client.query<{ datname: string }>('select datname from pg_database where datallowconn order by datname');
      return found.rows.map(row => row.datname);
    });
  }
}

/** Runs statements in one transaction. */
export async function transaction<T>(client: Client, work: () => Promise<T>): Promise<T> {
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
