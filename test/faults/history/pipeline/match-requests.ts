import type { AskedRequest } from './asked-requests.js';

/** An event as far as its door tells. */
export type ToldRequest = { stream: string; operation: string; eventId: string };

/** Which event tells which request. */
export type Matching = {
  /** Event of a request. */
  eventOf: Map<string, string>;
  /** Request of an event; two events of one request are a duplicate. */
  requestOf: Map<string, string>;
  /** Events of a stream that nobody asked for. */
  unasked: ToldRequest[];
};

/** An acknowledged request must have an event; one that may have happened only takes an event that is left over. */
const WEIGHT: Readonly<Record<AskedRequest['status'], number>> = {
  acked: 1_000,
  indeterminate: 1,
  failed: 0,
};

/**
 * Finds the events that tell requests. A client learns no event ids: within a stream, whose client does one thing after the
 * other, requests and events are aligned by operation and order, so that as many acknowledged requests as possible have one.
 */
export function matchRequests(asked: readonly AskedRequest[], told: readonly ToldRequest[]): Matching {
  const matching: Matching = { eventOf: new Map(), requestOf: new Map(), unasked: [] };
  const streams = new Map<string, { asked: AskedRequest[]; told: ToldRequest[] }>();
  for (const request of asked) {
    if (request.stream === undefined) continue;
    const stream = streams.get(request.stream) ?? { asked: [], told: [] };
    streams.set(request.stream, stream);
    stream.asked.push(request);
  }
  for (const event of told) streams.get(event.stream)?.told.push(event);
  for (const stream of streams.values()) matchStream(stream.asked, stream.told, matching);
  return matching;
}

function matchStream(asked: readonly AskedRequest[], told: readonly ToldRequest[], matching: Matching): void {
  const aligned = align(asked, told);
  for (const [request, event] of aligned) {
    matching.eventOf.set(request.request, event.eventId);
    matching.requestOf.set(event.eventId, request.request);
  }
  for (const event of told) {
    if (matching.requestOf.has(event.eventId)) continue;
    const refused = asked.find(
      a => a.operation === event.operation && a.status === 'failed' && !matching.eventOf.has(a.request),
    );
    const repeated = asked.findLast(a => a.operation === event.operation && a.status !== 'failed');
    const request = refused ?? repeated;
    if (!request) matching.unasked.push(event);
    else matching.requestOf.set(event.eventId, request.request);
    if (refused) matching.eventOf.set(refused.request, event.eventId);
  }
}

/** The heaviest common subsequence. */
function align(asked: readonly AskedRequest[], told: readonly ToldRequest[]): [AskedRequest, ToldRequest][] {
  const best = Array.from({ length: asked.length + 1 }, () => new Array<number>(told.length + 1).fill(0));
  const at = (i: number, j: number): number => best[i]?.[j] ?? 0;
  const weight = (a: AskedRequest, t: ToldRequest): number =>
    a.operation === t.operation ? WEIGHT[a.status] : 0;
  for (let i = asked.length - 1; i >= 0; i -= 1)
    for (let j = told.length - 1; j >= 0; j -= 1) {
      const [a, t, row] = [asked[i], told[j], best[i]];
      if (!a || !t || !row) continue;
      const w = weight(a, t);
      row[j] = Math.max(at(i + 1, j), at(i, j + 1), w > 0 ? w + at(i + 1, j + 1) : 0);
    }
  const pairs: [AskedRequest, ToldRequest][] = [];
  for (let i = 0, j = 0; i < asked.length && j < told.length;) {
    const [a, t] = [asked[i], told[j]];
    if (!a || !t) break;
    const w = weight(a, t);
    if (w > 0 && at(i, j) === w + at(i + 1, j + 1)) {
      pairs.push([a, t]);
      i += 1;
      j += 1;
    } else if (at(i, j) === at(i + 1, j)) i += 1;
    else j += 1;
  }
  return pairs;
}
