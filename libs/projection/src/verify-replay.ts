import { compareAudit } from '@sever/audit-store';
import { partitionKey, type Offsets } from '@sever/event-log';
import { openDatabase, rows } from '@sever/postgres';
import { READ_MODEL_TABLES, stateDigest } from '@sever/read-models';
import type { DataSource, QueryRunner } from 'typeorm';
import { rebuild } from './rebuild.js';

export type ReplayProgress = { done: number; total: number };

/** Result of a replay beside the live tables. `equal` needs the same digest and an audit stream that equals the log. */
export type ReplayReport = {
  events: number;
  seconds: number;
  liveDigest: string;
  replayDigest: string;
  audit: { missing: number; differing: number };
  equal: boolean;
};

type CutRow = { topic: string; partition: number; next: string };

const SCHEMA = 'sever_replay';
const TABLES = [...READ_MODEL_TABLES, 'audit_event', 'consumer_offset'];

/**
 * Rebuilds all read models from offset zero into a schema of its own, up to a recorded cut of the projector's offsets, and
 * compares. Writers go on meanwhile. Needs the owner's rights.
 */
export async function verifyReplay(o: {
  ownerUrl: string;
  onProgress?: (p: ReplayProgress) => void;
}): Promise<ReplayReport> {
  const dataSource = await openDatabase({
    url: o.ownerUrl,
    applicationName: 'sever-replay',
    poolMax: 8,
    statementTimeoutMs: 0,
  });
  try {
    const began = performance.now();
    const live = await liveState(dataSource);
    const runner = dataSource.createQueryRunner();
    try {
      const replayDigest = await replay(dataSource, runner, live.cut, o.onProgress);
      const seconds = (performance.now() - began) / 1_000;
      const audit = await compareAudit(dataSource, live.cut);
      const equal = live.digest === replayDigest && audit.missing === 0 && audit.differing === 0;
      return {
        events: audit.events,
        seconds: Math.round(seconds * 1_000) / 1_000,
        liveDigest: live.digest,
        replayDigest,
        audit: { missing: audit.missing, differing: audit.differing },
        equal,
      };
    } finally {
      await runner.query(`drop schema if exists ${SCHEMA} cascade`);
      await runner.release();
    }
  } finally {
    await dataSource.destroy();
  }
}

/** Digest and offsets of one snapshot: whatever is written meanwhile belongs to neither. */
function liveState(dataSource: DataSource): Promise<{ digest: string; cut: CutRow[] }> {
  return dataSource.transaction('REPEATABLE READ', async em => {
    const cut = await rows<CutRow>(
      em,
      `select topic, partition, next_offset as next from consumer_offset where consumer = 'projector' and next_offset > 0 order by 1, 2`,
    );
    return { digest: await stateDigest(em), cut };
  });
}

async function replay(
  dataSource: DataSource,
  runner: QueryRunner,
  cut: readonly CutRow[],
  onProgress: ((p: ReplayProgress) => void) | undefined,
): Promise<string> {
  await runner.query('select pg_advisory_lock(7236142)');
  await runner.query(`drop schema if exists ${SCHEMA} cascade`);
  await runner.query(`create schema ${SCHEMA}`);
  // The copy is compared and dropped: it need not survive a crash.
  for (const table of TABLES)
    await runner.query(`create unlogged table ${SCHEMA}.${table} (like public.${table} including all)`);
  const to: Offsets = new Map(cut.map(c => [partitionKey(c), BigInt(c.next)]));
  const total = [...to.values()].reduce((sum, next) => sum + Number(next), 0);
  let done = 0;
  await rebuild(dataSource, {
    schema: SCHEMA,
    to,
    onCommitted: records => {
      done += records;
      onProgress?.({ done, total });
    },
  });
  await runner.query(`set search_path = ${SCHEMA}, public`);
  return stateDigest(runner.manager);
}
