import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { sql } from '../../../harness/clients.js';
import type { Pipeline } from '../../../harness/pipeline.js';
import type { Operation } from '../operation.js';

/** Tables that tell why something happened; bytes are left out. */
const TABLES: Readonly<Record<string, string>> = {
  log: `select to_char(ts, 'HH24:MI:SS.MS') as at, topic, partition, "offset", event_id, key, type, producer, convert_from(value, 'UTF8')::jsonb as event from log_record order by ts`,
  work: `select w.*, null as event from work_item w order by seq`,
  delivery: 'select * from delivery order by started_at',
  groups: 'select * from log_group_partition',
  offsets: 'select * from consumer_offset',
};

const lines = (list: readonly object[]): string => list.map(item => `${JSON.stringify(item)}\n`).join('');

/** Writes a history, the tables behind it and the processes' logs into a folder, for a person who looks for the cause. */
export async function dumpHistory(
  folder: string,
  pipeline: Pipeline,
  operations: readonly Operation[],
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'history.jsonl'), lines(operations));
  for (const [name, query] of Object.entries(TABLES))
    writeFileSync(path.join(folder, `${name}.jsonl`), lines(await sql(pipeline.ready.databaseUrl, query)));
  cpSync(path.join(pipeline.dataDir, 'logs'), path.join(folder, 'logs'), { recursive: true });
}
