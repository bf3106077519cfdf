import type { Operation } from '../operation.js';
import type { AskedRequests } from './asked-requests.js';
import type { LoggedEvent } from './collect-log.js';
import { matchRequests, type ToldRequest } from './match-requests.js';

const NOWHERE = { key: 'unknown', topic: 'requests', partition: -1 };

/** What clients asked for and what the log holds, as one history: each request with its event, each event with its request. */
export function requestOperations(asked: AskedRequests, log: readonly LoggedEvent[]): Operation[] {
  const { eventOf, requestOf, unasked } = matchRequests(asked.list, log.flatMap(toldBy));
  const events = new Map(log.map(e => [e.eventId, e]));
  const homes = homesOfStreams(log);
  const appends = asked.list.map((a): Operation => {
    const event = events.get(eventOf.get(a.request) ?? '');
    const home = event ?? homes.get(a.stream ?? '') ?? NOWHERE;
    const { client, request, status, invoked, completed } = a;
    return {
      kind: 'append',
      client,
      request,
      status,
      eventId: event?.eventId ?? `no event of ${request}`,
      key: home.key,
      topic: home.topic,
      partition: home.partition,
      invoked,
      completed,
    };
  });
  const nobody = unasked.map((told): Operation => {
    const { key, topic, partition } = events.get(told.eventId) ?? NOWHERE;
    return {
      kind: 'append',
      client: 'nobody',
      request: `unasked ${told.operation} of ${told.stream}`,
      status: 'failed',
      eventId: told.eventId,
      key,
      topic,
      partition,
      invoked: 0,
      completed: 0,
    };
  });
  const records = log.map(({ topic, partition, logOffset, eventId, key, sha256 }): Operation => {
    const request = requestOf.get(eventId);
    const record = { kind: 'record', topic, partition, logOffset, eventId, key, sha256 } as const;
    return request === undefined ? record : { ...record, request };
  });
  return [...appends, ...nobody, ...records];
}

/** The stream and operation that an event's door names. */
function toldBy({ event, eventId }: LoggedEvent): ToldRequest[] {
  const stream = streamOf(event);
  const operation = event.data.door?.operation;
  return stream === undefined || operation === undefined ? [] : [{ stream, operation, eventId }];
}

function streamOf({ tenant, subject, data: { door } }: LoggedEvent['event']): string | undefined {
  if (door?.via === 'rest') return `rest/${tenant}:${subject}`;
  return door?.connection && door.resource ? `${door.connection}/${door.resource}` : undefined;
}

/** Where the events of a stream go: all of a person are in one partition. */
function homesOfStreams(log: readonly LoggedEvent[]): Map<string, LoggedEvent> {
  const homes = new Map<string, LoggedEvent>();
  for (const logged of log) {
    const stream = streamOf(logged.event);
    if (stream !== undefined && logged.topic === 'requests') homes.set(stream, logged);
  }
  return homes;
}
