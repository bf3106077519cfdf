import type { Ctx } from '@sever/connector-sdk';
import type { Sessions } from './sessions.js';

const ROUNDS = 20;
const ROUND_MS = 50;
/** A login that passed its check just before the lock shows up as a session a little later. */
const ARRIVAL_MS = 100;

const OF_ROLE = 'usesysid = $1::oid and pid <> pg_backend_pid()';

/** Sessions of a role in every database, counted by the server now. */
export function backendsOf(sessions: Sessions, oid: string, ctx: Ctx): Promise<number> {
  return sessions.in(ctx, async client => {
    const found = await client.query<{ n: string }>(
      `select count(*) as n from pg_stat_activity where ${OF_ROLE}`,
      [oid],
    );
    return Number(found.rows[0]?.n ?? 0);
  });
}

/** The same at two looks a little apart: the larger number. */
export async function backendsToStay(sessions: Sessions, oid: string, ctx: Ctx): Promise<number> {
  const first = await backendsOf(sessions, oid, ctx);
  if (first > 0) return first;
  await pause(ARRIVAL_MS, ctx);
  return backendsOf(sessions, oid, ctx);
}

/** Ends every session of a role until none is left or arrives. @returns how many were told to end, and how many are left */
export async function endBackends(
  sessions: Sessions,
  oid: string,
  ctx: Ctx,
): Promise<{ ended: number; left: number }> {
  let ended = 0;
  let left = await backendsToStay(sessions, oid, ctx);
  for (let round = 0; round < ROUNDS && left > 0; round += 1) {
    await ctx.permit();
    ended += await terminate(sessions, oid, ctx);
    await pause(ROUND_MS, ctx);
    left = await backendsToStay(sessions, oid, ctx);
  }
  return { ended, left };
}

function terminate(sessions: Sessions, oid: string, ctx: Ctx): Promise<number> {
  return sessions.in(ctx, async client => {
    const told = await client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where ${OF_ROLE}`,
      [oid],
    );
    return told.rowCount ?? 0;
  });
}

async function pause(ms: number, ctx: Ctx): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, ms));
  ctx.signal.throwIfAborted();
}
