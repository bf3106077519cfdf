import { migration } from '@sever/postgres';
import { appendByIndex } from './schema/append-by-index.js';
import { appendEach } from './schema/append-each.js';
import { appendFunction, appendFunctionFast } from './schema/append-function.js';
import { appendTogether } from './schema/append-together.js';
import { groupTables } from './schema/group-tables.js';
import { logTables } from './schema/log-tables.js';

/** Tables, functions and grants of the event log. */
export const eventLogMigrations = [
  migration(1_790_000_001_000, 'EventLog', logTables),
  migration(1_790_000_001_100, 'EventLogAppend', appendFunction),
  migration(1_790_000_001_200, 'EventLogGroups', groupTables),
  migration(1_790_000_001_300, 'EventLogAppendFast', appendFunctionFast),
  migration(1_790_000_001_400, 'EventLogAppendEach', appendEach),
  migration(1_790_000_001_500, 'EventLogAppendByIndex', appendByIndex),
  migration(1_790_000_001_600, 'EventLogAppendTogether', appendTogether),
];
