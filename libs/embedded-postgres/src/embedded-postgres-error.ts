export type EmbeddedPostgresErrorCode =
  | 'postgres.binaries-missing'
  | 'postgres.cluster-missing'
  | 'postgres.init-failed'
  | 'postgres.start-failed'
  | 'postgres.version-mismatch'
  | 'postgres.no-service-user';

/** The embedded PostgreSQL could not be prepared or started; the message holds its last log lines and what to do. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';
  constructor(
    readonly code: EmbeddedPostgresErrorCode,
    message: string,
  ) {
    super(message);
  }
}
