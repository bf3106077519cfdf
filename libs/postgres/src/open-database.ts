import 'reflect-metadata';
import { DataSource, type EntitySchema } from 'typeorm';
import { PreparingClient } from './preparing-client.js';

export type DatabaseOptions = {
  /** postgres:// address with the role of this process. */
  url: string;
  /** Shown in pg_stat_activity. */
  applicationName: string;
  /** Largest number of connections. */
  poolMax?: number;
  entities?: (EntitySchema | (new () => object))[];
  /** Longest run of one statement in milliseconds; 0 is unlimited. */
  statementTimeoutMs?: number;
};

/** A process that stands still inside a transaction holds locks that others wait for: it loses them after this time. */
const IDLE_IN_TRANSACTION_MS = 15_000;

/** Opens a pool of connections as a TypeORM data source. Rejects with the driver's error when the server does not answer. */
export async function openDatabase(o: DatabaseOptions): Promise<DataSource> {
  const dataSource = new DataSource({
    type: 'postgres',
    url: o.url,
    applicationName: o.applicationName,
    entities: o.entities ?? [],
    synchronize: false,
    logging: false,
    connectTimeoutMS: 5_000,
    poolSize: o.poolMax ?? 10,
    extra: {
      Client: PreparingClient,
      statement_timeout: o.statementTimeoutMs ?? 60_000,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
      idleTimeoutMillis: 30_000,
      keepAlive: true,
    },
    // A broken idle connection is replaced by the pool; whoever uses it next sees its own error.
    poolErrorHandler: () => undefined,
  });
  return dataSource.initialize();
}
