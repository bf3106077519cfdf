export type ContractErrorCode =
  'event.not-canonical' | 'event.too-large' | 'event.unreadable' | 'event.unknown-type' | 'event.invalid';

/** An event that cannot be written or read. `code` is stable; the message says which part is wrong. */
export class ContractError extends Error {
  override readonly name = 'ContractError';
  constructor(
    readonly code: ContractErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
