export type EventLogErrorCode =
  | 'log.no-transaction'
  | 'log.unknown-topic'
  | 'log.partition-mismatch'
  | 'log.forbidden'
  | 'log.unauthenticated'
  | 'log.untrusted'
  | 'log.event-conflict'
  | 'log.already-started'
  | 'log.membership-lost'
  | 'log.position-lost'
  | 'log.gap'
  | 'log.reader-failed'
  | 'log.unreadable'
  | 'log.stalled'
  | 'log.unavailable';

const RETRYABLE: ReadonlySet<EventLogErrorCode> = new Set([
  'log.unavailable',
  'log.membership-lost',
  'log.stalled',
]);

/** A failure of the log, classified where it was seen. */
export class EventLogError extends Error {
  override readonly name = 'EventLogError';
  readonly retryable: boolean;
  constructor(
    readonly code: EventLogErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.retryable = RETRYABLE.has(code);
  }
}
