import { reverifyAt } from './decide.js';
import type { RequestState } from './request-state.js';

/** How often a purge that waits for a person is looked at again, in milliseconds. */
const RECHECK_MS = 30_000;

/** The next moment at which time alone may change what is decided; undefined when only an event can. */
export function nextDue(
  request: RequestState,
  now: Date,
  reverifyAfterSeconds: readonly number[],
): Date | undefined {
  const times = [
    deadlineAt(request, now),
    purgeAt(request, now),
    closedAt(request, reverifyAfterSeconds),
    waiverAt(request, now),
  ];
  const earliest = Math.min(...times.filter(t => t !== undefined));
  return Number.isFinite(earliest) ? new Date(earliest) : undefined;
}

function deadlineAt(request: RequestState, now: Date): number | undefined {
  const at = Date.parse(request.cutDeadlineAt);
  return request.phase === 'cutting' && at > now.getTime() ? at : undefined;
}

function purgeAt(request: RequestState, now: Date): number | undefined {
  if (request.phase !== 'held' || request.purgeAfter === null) return undefined;
  const at = Date.parse(request.purgeAfter);
  return at > now.getTime() ? at : now.getTime() + RECHECK_MS;
}

const closedAt = (request: RequestState, schedule: readonly number[]): number | undefined =>
  request.phase === 'closed' ? reverifyAt(request, schedule) : undefined;

function waiverAt(request: RequestState, now: Date): number | undefined {
  if (request.phase === 'closed' || request.phase === 'restored') return undefined;
  const ends = request.waivers
    .flatMap(w => (w.expiresAt === null ? [] : [Date.parse(w.expiresAt)]))
    .filter(at => at > now.getTime());
  return ends.length > 0 ? Math.min(...ends) : undefined;
}
