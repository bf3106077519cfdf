import { setTimeout as wait } from 'node:timers/promises';

/** Waits for work that may take longer than `ms`, which then goes on alone. */
export async function within(ms: number, work: Promise<unknown> | undefined): Promise<void> {
  const gate = new AbortController();
  const late = wait(ms, undefined, { signal: gate.signal }).catch(() => undefined);
  await Promise.race([work, late]);
  gate.abort();
}
