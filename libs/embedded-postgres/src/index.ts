export { EmbeddedPostgresError, type EmbeddedPostgresErrorCode } from './embedded-postgres-error.js';
export { freePort } from './free-port.js';
export { startPostgres, type PostgresServer, type ServerOptions, type StopMode } from './server.js';
