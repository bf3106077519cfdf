/** What a group has stored for a partition: the next offset, and the log offset that is due there where it is known. */
export type Commit = { offset: bigint; log: bigint | undefined };

/** The client's own mark for "the earliest there is", which it commits when a position cannot be read. */
const GIVEN_UP = -2n;

/** Whether the client has put its mark in the place of the position. */
export const isGivenUp = (commit: Commit): boolean => commit.offset === GIVEN_UP;

/** The log offset as the brokers keep it beside an offset: an offset alone says nothing about a topic that was filled again. */
export const noteOf = (log: bigint): string => `log=${log}`;

/** The log offset in what the brokers keep beside an offset; undefined for a commit of somebody else's tool. */
export function logIn(note: string | null): bigint | undefined {
  const [, digits] = /^log=(\d+)$/.exec(note ?? '') ?? [];
  return digits === undefined ? undefined : BigInt(digits);
}
