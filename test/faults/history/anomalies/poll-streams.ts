import { placeKey } from '../known-log.js';
import type { PollOperation } from '../operation.js';

/** The polls of one member in one epoch on one partition, in order. Empty polls say nothing. */
export function pollStreams(polls: readonly PollOperation[]): PollOperation[][] {
  const streams = new Map<string, PollOperation[]>();
  for (const poll of polls) {
    if (poll.records.length === 0) continue;
    const key = streamKey(poll);
    const stream = streams.get(key);
    if (stream) stream.push(poll);
    else streams.set(key, [poll]);
  }
  return [...streams.values()];
}

export const streamKey = (poll: PollOperation): string =>
  `${poll.reader} ${poll.member} ${poll.epoch} ${placeKey(poll)}`;

export const firstOffset = (poll: PollOperation): number => poll.records[0]?.logOffset ?? 0;
export const lastOffset = (poll: PollOperation): number => poll.records.at(-1)?.logOffset ?? 0;

/** A member in words. */
export const whoPolls = (poll: PollOperation): string =>
  `${poll.reader} (member ${poll.member}, epoch ${poll.epoch})`;

/** Neighbours of a list. */
export const pairs = <T>(list: readonly T[]): [T, T][] =>
  list.slice(1).map((after, i) => [list[i] as T, after]);
