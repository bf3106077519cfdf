/**
 * What a handler tells the log about one record.
 * `ack` done · `skip` not addressed here · `retry` deliver again after `afterMs` (the key waits, others go on) ·
 * `park` taken out of the partition, stored durably by the handler · `stop` programmer error: crash, do not commit.
 */
export type Verdict =
  | { kind: 'ack' }
  | { kind: 'skip'; reason: string }
  | { kind: 'retry'; afterMs: number; code: string }
  | { kind: 'park'; code: string }
  | { kind: 'stop'; error: Error };

export const ack: Verdict = { kind: 'ack' };
export const skip = (reason: string): Verdict => ({ kind: 'skip', reason });
export const retry = (afterMs: number, code: string): Verdict => ({ kind: 'retry', afterMs, code });
export const park = (code: string): Verdict => ({ kind: 'park', code });
export const stop = (error: Error): Verdict => ({ kind: 'stop', error });
