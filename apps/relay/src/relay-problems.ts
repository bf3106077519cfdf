import type { RelayRunner } from '@sever/log-relay';

/** Failures that go on for this long are a reason not to be ready, in milliseconds: a new leader takes seconds. */
const FAILING_MS = 10_000;

/** Reasons for which the relay is not ready. One that stands by for another is ready. */
export function problemsOf(state: ReturnType<RelayRunner['state']>): Record<string, string> {
  if (state.failingMs > FAILING_MS)
    return {
      forwarding: `nothing is forwarded for ${Math.round(state.failingMs / 1_000)} s: ${state.lastError ?? 'unknown'}; it goes on by itself, opt-outs are accepted meanwhile`,
    };
  if (!state.hasLooked && state.failingMs === 0) return { start: 'it has not asked for the lease yet' };
  return {};
}
