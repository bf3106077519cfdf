import { auditMigrations } from '@sever/audit-store';
import { connectorRuntimeMigrations } from '@sever/connector-runtime';
import { coordinationMigrations } from '@sever/coordination';
import { directoryMigrations } from '@sever/directory';
import { eventLogMigrations } from '@sever/event-log-postgres';
import { relayMigrations } from '@sever/log-relay';
import { roleMigrations, type Migration } from '@sever/postgres';
import { readModelMigrations } from '@sever/read-models';
import { subjectKeyMigrations } from '@sever/subject-keys';

/** The whole schema: each library brings its own part, ordered by the stamps. */
export const migrations: readonly Migration[] = [
  ...roleMigrations,
  ...eventLogMigrations,
  ...subjectKeyMigrations,
  ...directoryMigrations,
  ...coordinationMigrations,
  ...readModelMigrations,
  ...connectorRuntimeMigrations,
  ...auditMigrations,
  ...relayMigrations,
];
