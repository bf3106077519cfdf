import type { Disposition } from '@sever/event-contracts';
import type { Outcome } from '@sever/connector-sdk';
import { retryDelayMs } from './backoff.js';

/** Tries of a failure that may pass by itself but is not the vendor's unavailability; then a person is needed. */
const TRIES_MAX = 5;
const JITTER_MS = 1_000;

/** Outcomes after which a step is not done. */
export type Failure = Extract<
  Outcome,
  {
    kind:
      | 'RateLimited'
      | 'Transient'
      | 'AuthFailed'
      | 'Forbidden'
      | 'Protected'
      | 'Conflict'
      | 'Malformed'
      | 'StillPresent';
  }
>;

export type FailureContext = { tries: number; now: Date; deadline: Date; random?: () => number };

/** What follows from a failure: policy, decided in one place from the typed outcome. */
export function dispositionOf(failure: Failure, c: FailureContext): Disposition {
  const random = c.random ?? Math.random;
  const later = (ms: number): Disposition => ({
    next: 'retry',
    dueAt: new Date(c.now.getTime() + ms).toISOString(),
  });
  const backoff = (): Disposition => later(retryDelayMs(c.tries, c.now < c.deadline, random));
  switch (failure.kind) {
    case 'RateLimited':
      // The vendor's time is a floor, however far away; a little jitter keeps the crowd from coming back at once.
      return later(Math.max(0, failure.until.getTime() - c.now.getTime()) + random() * JITTER_MS);
    case 'Transient':
    case 'AuthFailed':
      return backoff();
    case 'Conflict':
    case 'Malformed':
    case 'StillPresent':
      return c.tries < TRIES_MAX ? backoff() : { next: 'park', dueAt: null };
    case 'Forbidden':
    case 'Protected':
      return { next: 'park', dueAt: null };
  }
}

/** An error that nobody foresaw. Only its kind is told, since its message may hold anything. */
export const unexpectedFailure = (error: unknown): Failure => ({
  kind: 'Malformed',
  code: 'work.failed',
  evidence: { error: error instanceof Error ? error.name : 'unknown' },
});

/** A vendor's quota is nobody's failed try. */
export const countsAsTry = (failure: Failure): boolean => failure.kind !== 'RateLimited';
