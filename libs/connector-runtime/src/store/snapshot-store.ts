import { createHash } from 'node:crypto';
import type { Snapshot } from '@sever/connector-sdk';
import { FIELD_PATHS, canonicalJson, type EncryptedField, type Step } from '@sever/event-contracts';
import { oneRow, type Queryable, type Statement } from '@sever/postgres';
import type { SubjectKeys } from '@sever/subject-keys';

/** Whose snapshot, of which step. */
export type SnapshotOf = { instance: string; optOutId: string; step: Step; tenant: string; subject: string };

type SnapshotRow = { event_id: string; sealed: EncryptedField[] };

/** Bytes of one ciphertext at most; a longer snapshot is cut into several. */
const CHUNK = 30_000;

const pathOf = (of: SnapshotOf, chunk: number): string =>
  `${FIELD_PATHS.snapshot(of.instance, of.step)}.${chunk}`;

/** A snapshot as ciphertext under the person's key, ready to be stored, and the SHA-256 of its canonical text. */
export async function sealedSnapshot(
  on: Queryable,
  keys: SubjectKeys,
  of: SnapshotOf,
  eventId: string,
  snapshot: Snapshot,
): Promise<{ saved: Statement; sha256: string }> {
  const text = canonicalJson(snapshot);
  const sha256 = createHash('sha256').update(text).digest('hex');
  const sealed: EncryptedField[] = [];
  for (let i = 0; i * CHUNK < text.length; i += 1)
    sealed.push(await keys.encrypt(on, { ...of, eventId, path: pathOf(of, i) }, encodeChunk(text, i)));
  const saved = {
    sql: `insert into connector_snapshot (instance, opt_out_id, step, event_id, sealed, sha256) values ($1, $2, $3, $4, $5, $6)
      on conflict (instance, opt_out_id, step) do nothing`,
    parameters: [of.instance, of.optOutId, of.step, eventId, JSON.stringify(sealed), sha256],
  };
  return { saved, sha256 };
}

/** Chunks may cut a character in two halves, which would not survive as text. */
const encodeChunk = (text: string, i: number): string =>
  Buffer.from(text.slice(i * CHUNK, (i + 1) * CHUNK), 'utf16le').toString('base64');

export async function hasSnapshot(on: Queryable, of: SnapshotOf): Promise<boolean> {
  const row = await oneRow(
    on,
    'select 1 as one from connector_snapshot where instance = $1 and opt_out_id = $2 and step = $3',
    [of.instance, of.optOutId, of.step],
  );
  return row !== undefined;
}

/** The snapshot, or undefined when there is none or the person's key was destroyed. */
export async function loadSnapshot(
  on: Queryable,
  keys: SubjectKeys,
  of: SnapshotOf,
): Promise<Snapshot | undefined> {
  const row = await oneRow<SnapshotRow>(
    on,
    'select event_id, sealed from connector_snapshot where instance = $1 and opt_out_id = $2 and step = $3',
    [of.instance, of.optOutId, of.step],
  );
  if (!row) return undefined;
  let text = '';
  for (const [i, sealed] of row.sealed.entries()) {
    const opened = await keys.open(on, { ...of, eventId: row.event_id, path: pathOf(of, i) }, sealed);
    if (opened.shredded) return undefined;
    text += Buffer.from(opened.text, 'base64').toString('utf16le');
  }
  return JSON.parse(text) as Snapshot;
}

/** Snapshots are kept until they are given back or the account is purged. */
export function snapshotsDropped(instance: string, optOutId: string): Statement {
  return {
    sql: 'delete from connector_snapshot where instance = $1 and opt_out_id = $2',
    parameters: [instance, optOutId],
  };
}

/**
 * Hands what an earlier opt-out of the same person took, and never gave back, to a later one: a restore of the later one gives back
 * what the person had before the first cut.
 */
export async function inheritSnapshots(
  on: Queryable,
  instance: string,
  heir: { key: string; optOutId: string },
): Promise<void> {
  await on.query(
    `update connector_snapshot s set opt_out_id = $3 from (
       select distinct on (o.step) o.opt_out_id, o.step from connector_snapshot o
         join work_item w on w.instance = o.instance and w.opt_out_id = o.opt_out_id and w.stage = 'cut'
        where o.instance = $1 and w.key = $2 and o.opt_out_id <> $3 order by o.step, w.seq) older
      where s.instance = $1 and s.opt_out_id = older.opt_out_id and s.step = older.step
        and not exists (select 1 from connector_snapshot own where own.instance = $1 and own.opt_out_id = $3 and own.step = s.step)`,
    [instance, heir.key, heir.optOutId],
  );
}
