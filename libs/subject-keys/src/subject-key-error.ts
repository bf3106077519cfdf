export type SubjectKeyErrorCode =
  'key.missing' | 'key.mismatch' | 'key.too-long' | 'kek.missing' | 'kek.unreadable';

/** A personal field cannot be encrypted or opened. Messages name subjects by id and never hold field values. */
export class SubjectKeyError extends Error {
  override readonly name = 'SubjectKeyError';
  constructor(
    readonly code: SubjectKeyErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
