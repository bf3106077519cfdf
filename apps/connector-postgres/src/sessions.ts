import type { Ctx } from '@sever/connector-sdk';
import { Pool, type Client, type PoolClient } from 'pg';
import type { PostgresSettings } from './config.js';
import { sqlStateOf } from './sqlstate.js';

const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 10_000;
const LOCK_TIMEOUT_MS = 5_000;
const IDLE_MS = 10_000;
/** A connection keeps its database from being dropped, and a server waits no longer than 5 s for it to go. */
const IDLE_ELSEWHERE_MS = 1_000;
/** Connections per database of the target: it serves others as well. */
const CONNECTIONS_MAX = 6;
/** Names and times read the same in every session, so that what a snapshot says can be said again later. */
const OPTIONS =
  '-c search_path=pg_catalog -c datestyle=ISO -c timezone=UTC -c standard_conforming_strings=on';

type Calling = Pick<Ctx, 'signal'>;

/** The password cannot be read: nothing was tried. */
export class CredentialUnreadable extends Error {
  override readonly name = 'CredentialUnreadable';
}

/** A database was dropped between looking and connecting. */
export class DatabaseGone extends Error {
  override readonly name = 'DatabaseGone';
}

/** Connections to the databases of the target; what a query reads is always the server's present state. */
export class Sessions {
  private readonly pools = new Map<string, Pool>();
  /** Nobody can make a database while somebody is connected to the one that it is copied from. */
  private readonly templates = new Set<string>();

  constructor(
    private readonly settings: PostgresSettings,
    private readonly secret: (reference: string) => Promise<string>,
  ) {}

  /** Runs `work` on a connection to a database; an aborted attempt ends the connection. */
  async in<T>(
    ctx: Calling,
    work: (client: PoolClient) => Promise<T>,
    database = this.settings.database,
  ): Promise<T> {
    const client = await this.connect(ctx.signal, database);
    let broken = false;
    const abort = (): void => {
      broken = true;
      void (client as unknown as Client).end().catch(() => undefined);
    };
    // A connection that is lost between two statements tells it by an event, which nobody else would hear.
    const lost = (): void => {
      broken = true;
    };
    client.on('error', lost);
    ctx.signal.addEventListener('abort', abort, { once: true });
    try {
      return await work(client);
    } catch (error) {
      broken = true;
      throw error;
    } finally {
      client.off('error', lost);
      ctx.signal.removeEventListener('abort', abort);
      client.release(broken || this.templates.has(database));
    }
  }

  /** Names of all databases that accept connections; one whose removal was interrupted accepts none. */
  databases(ctx: Calling): Promise<string[]> {
    return this.in(ctx, async client => {
      const found = await client.query<{ datname: string; datistemplate: boolean }>(
        'select datname, datistemplate from pg_database where datallowconn and datconnlimit <> -2 order by datname',
      );
      for (const row of found.rows) if (row.datistemplate) this.templates.add(row.datname);
      return found.rows.map(row => row.datname);
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.pools.values()].map(pool => pool.end()));
  }

  /** Waits for a connection no longer than the attempt lasts; one that comes too late is thrown away. */
  private async connect(signal: AbortSignal, database: string): Promise<PoolClient> {
    signal.throwIfAborted();
    const connecting = this.pool(database).connect();
    const ended = Promise.withResolvers<never>();
    const abort = (): void => ended.reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    try {
      return await Promise.race([connecting, ended.promise]);
    } catch (error) {
      void connecting.then(
        client => client.release(true),
        () => undefined,
      );
      throw sqlStateOf(error) === '3D000' && database !== this.settings.database
        ? new DatabaseGone('a database was dropped meanwhile')
        : error;
    } finally {
      signal.removeEventListener('abort', abort);
    }
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
      password: () =>
        this.secret(passwordRef).catch(() =>
          Promise.reject(new CredentialUnreadable('the password cannot be read')),
        ),
      application_name: 'sever-connector',
      options: OPTIONS,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      lock_timeout: LOCK_TIMEOUT_MS,
      idleTimeoutMillis: database === this.settings.database ? IDLE_MS : IDLE_ELSEWHERE_MS,
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

/** Changes of grants on one object by two transactions at once fail on the server: ours wait for each other. */
export async function changeTransaction<T>(client: PoolClient, work: () => Promise<T>): Promise<T> {
  return transaction(client, async () => {
    await client.query(`select pg_advisory_xact_lock(hashtext('sever-connector'))`);
    return work();
  });
}
