import type { OutcomeState, RequestState } from '@sever/opt-out';
import { rows, type Queryable } from '@sever/postgres';

/** An opt-out as both topics' folds. */
export type OptOutRecord = { request: RequestState; outcomes: ReadonlyMap<string, OutcomeState> };

export type OptOutFilter = {
  tenant?: string;
  subjects?: readonly string[];
  state?: string;
  limit: number;
  cursor?: string;
};

export async function findOptOut(on: Queryable, id: string): Promise<OptOutRecord | undefined> {
  const found = await rows<{ state: RequestState }>(
    on,
    'select state from rm_opt_out where opt_out_id = $1',
    [id],
  );
  return (
    await withOutcomes(
      on,
      found.map(r => r.state),
    )
  )[0];
}

type ListRow = { state: RequestState; position: string };

/** Newest first; `next` continues after the last item. */
export async function listOptOuts(
  on: Queryable,
  filter: OptOutFilter,
): Promise<{ items: OptOutRecord[]; next: string | null }> {
  const [at = null, id = null] = filter.cursor ? decodeCursor(filter.cursor) : [];
  const found = await rows<ListRow>(
    on,
    `select state, requested_at::text as position from rm_opt_out o
      where ($1::text is null or tenant = $1) and ($2::uuid[] is null or subject = any($2))
        and ($3::text is null or phase = $3)
        and ($4::boolean is null or exists (select 1 from rm_instance i where i.opt_out_id = o.opt_out_id) = $4)
        and ($5::timestamptz is null or (requested_at, opt_out_id) < ($5::timestamptz, $6::uuid))
      order by requested_at desc, opt_out_id desc limit $7`,
    [
      filter.tenant ?? null,
      filter.subjects ?? null,
      phaseOf(filter.state),
      startedOf(filter.state),
      at,
      id,
      filter.limit + 1,
    ],
  );
  const page = found.slice(0, filter.limit);
  const last = page.at(-1);
  const next = found.length > filter.limit && last ? encodeCursor(last.position, last.state.optOutId) : null;
  return {
    items: await withOutcomes(
      on,
      page.map(r => r.state),
    ),
    next,
  };
}

/** `requested` and `cutting` are one phase: what tells them apart is whether a connector has reported. */
const phaseOf = (state: string | undefined): string | null =>
  state === 'requested' ? 'cutting' : (state ?? null);
const startedOf = (state: string | undefined): boolean | null =>
  state === 'requested' ? false : state === 'cutting' ? true : null;

const encodeCursor = (position: string, id: string): string =>
  Buffer.from(JSON.stringify([position, id])).toString('base64url');

/** A cursor that is not one of ours starts at the beginning. */
function decodeCursor(cursor: string): [string, string] | [] {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (
      Array.isArray(parsed) &&
      typeof parsed[0] === 'string' &&
      typeof parsed[1] === 'string' &&
      /^[0-9a-f-]{36}$/.test(parsed[1]) &&
      !Number.isNaN(Date.parse(parsed[0]))
    )
      return [parsed[0], parsed[1]];
  } catch {
    // Falls through: not a cursor.
  }
  return [];
}

async function withOutcomes(on: Queryable, requests: readonly RequestState[]): Promise<OptOutRecord[]> {
  if (requests.length === 0) return [];
  const found = await rows<{ id: string; instance: string; state: OutcomeState }>(
    on,
    'select opt_out_id as id, instance, state from rm_instance where opt_out_id = any($1)',
    [requests.map(r => r.optOutId)],
  );
  return requests.map(request => ({
    request,
    outcomes: new Map(found.filter(r => r.id === request.optOutId).map(r => [r.instance, r.state])),
  }));
}
