import type { Malformed, NotFound } from '@sever/connector-sdk';

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
