import { DataSource } from 'typeorm';
import type { Migration } from './migration.js';
import { rows } from './sql.js';

/** The database was written by a newer version of Sever, or cannot be migrated. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
  constructor(
    readonly code: 'database.newer',
    message: string,
  ) {
    super(message);
  }
}

const LOCK = 7_236_140;

/**
 * Brings the schema up to date, one process at a time. Runs as the owner of the database.
 * @throws MigrationError `database.newer` when the database knows migrations that this version does not.
 */
export async function migrate(ownerUrl: string, migrations: readonly Migration[]): Promise<number> {
  const dataSource = new DataSource({
    type: 'postgres',
    url: ownerUrl,
    applicationName: 'sever-migrate',
    migrations: [...migrations],
    migrationsTableName: 'sever_migration',
    migrationsTransactionMode: 'each',
    // The console belongs to the caller; a failure is in the error. DEBUG=typeorm:* shows what this says.
    logger: 'debug',
    poolSize: 2,
  });
  await dataSource.initialize();
  const lock = dataSource.createQueryRunner();
  try {
    await lock.query('select pg_advisory_lock($1)', [LOCK]);
    await refuseNewer(dataSource, migrations);
    const done = await dataSource.runMigrations();
    await lock.query('select pg_advisory_unlock($1)', [LOCK]);
    return done.length;
  } finally {
    await lock.release();
    await dataSource.destroy();
  }
}

async function refuseNewer(dataSource: DataSource, migrations: readonly Migration[]): Promise<void> {
  const [table] = await rows<{ found: string | null }>(
    dataSource,
    `select to_regclass('sever_migration')::text as found`,
  );
  if (!table?.found) return;
  const known = new Set(migrations.map(M => new M().name));
  const applied = await rows<{ name: string }>(
    dataSource,
    'select name from sever_migration order by timestamp',
  );
  const unknown = applied.map(row => row.name).filter(name => !known.has(name));
  if (unknown.length > 0)
    throw new MigrationError(
      'database.newer',
      `the database was written by a newer version of Sever (it knows ${unknown.join(', ')}); start that version, or use another data folder`,
    );
}
