import { timelines, type TimelineEntry } from '@sever/audit-store';
import type { RequestState } from '@sever/opt-out';
import type { Queryable } from '@sever/postgres';
import { groupMovesDuring, type GroupMove } from '@sever/read-models';

/** An event of an opt-out, or a group that its person joined or left meanwhile. */
export type OptOutEntry = TimelineEntry & Partial<Pick<GroupMove, 'group' | 'moved'>>;

/** Moves that the timeline of one opt-out shows, the newest ones; the person's own timeline has all. */
const MOVES_MAX = 200;

/** What happened in each opt-out while it was open, in the order of time. */
export async function optOutTimelines(
  on: Queryable,
  optOuts: readonly RequestState[],
): Promise<Map<string, OptOutEntry[]>> {
  if (optOuts.length === 0) return new Map();
  const events = await timelines(
    on,
    optOuts.map(o => o.optOutId),
  );
  const spans = optOuts.map(o => ({
    ...{ key: o.optOutId, tenant: o.tenant, subject: o.subject },
    ...{ from: o.requestedAt, to: o.closedAt ?? o.restoredAt },
  }));
  const moves = await groupMovesDuring(on, spans, MOVES_MAX);
  return new Map(optOuts.map(({ optOutId: id }) => [id, inOrder(events.get(id) ?? [], moves.get(id) ?? [])]));
}

/** Equal instants keep the order of the log: the moves come after the events. */
function inOrder(events: readonly TimelineEntry[], moves: readonly GroupMove[]): OptOutEntry[] {
  if (moves.length === 0) return [...events];
  const shown = moves.map(({ connection: _, ...move }) => ({ ...move, connector: null }));
  return [...events, ...shown].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}
