export type DirectoryErrorCode =
  | 'tenant.unknown'
  | 'instance.unknown'
  | 'connection.exists'
  | 'connection.invalid'
  | 'connection.unknown'
  | 'connection.retired'
  | 'connection.people-active'
  | 'connection.decided'
  | 'oauth-client.unknown'
  | 'issuer.unknown'
  | 'rebind-case.unknown'
  | 'binding.scope-required'
  | 'dialect.unknown';

/** A registry change that cannot be made; the message says what to do instead. */
export class DirectoryError extends Error {
  override readonly name = 'DirectoryError';
  constructor(
    readonly code: DirectoryErrorCode,
    message: string,
  ) {
    super(message);
  }
}
