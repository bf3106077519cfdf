/** Exit statuses of every command. */
export const EXIT = { ok: 0, no: 1, usage: 2, unreachable: 3 } as const;
export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];

/** A command cannot do what was asked; the message says why and what to do. */
export class SeverError extends Error {
  override readonly name = 'SeverError';
  constructor(
    readonly code: string,
    message: string,
    readonly exit: ExitStatus = EXIT.no,
  ) {
    super(message);
  }
}
