import type { Conflict, Malformed, NotFound } from '@sever/connector-sdk';

/** A reply that was not understood: its shape, never its content. */
export const malformed = (
  reply: { status: number; contentType: string; bytes: number },
  code: string,
): Malformed => ({
  kind: 'Malformed',
  code,
  evidence: { status: reply.status, contentType: reply.contentType.split(';')[0] ?? '', bytes: reply.bytes },
});

/** The account was looked for with valid credentials and is not there. */
export const absent = (key: string): NotFound => ({
  kind: 'NotFound',
  confirmed: true,
  keysTried: [key],
  evidence: {},
});

/** Nothing can be given back to an account that is not there. */
export const accountGone: Conflict = {
  kind: 'Conflict',
  code: 'account.gone',
  help: 'the account was deleted meanwhile; make a new one',
  evidence: {},
};

/** Somebody else changed the resource between reading and writing: it is read again at the next try. */
export const versionChanged: Conflict = {
  kind: 'Conflict',
  code: 'version.changed',
  help: 'something else writes to the same resource all the time; find out what',
  evidence: {},
};
