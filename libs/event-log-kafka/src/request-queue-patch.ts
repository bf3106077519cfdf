import { createRequire } from 'node:module';
import { requirePatchedVersion } from './patched-version.js';

/** What we touch of a private class of the client. */
type RequestQueue = { pending: readonly unknown[]; throttledUntil: number };
type Schedule = (this: RequestQueue) => void;

const require = createRequire(import.meta.url);
let isDone = false;

/**
 * The client keeps a timer of a millisecond running for every idle connection, because it computes a negative pause; that is
 * several percent of a core each, and a warning of Node. Nothing waits and nothing is throttled: then there is nothing to look for.
 * @throws Error for another version of the client than the one that this was written for
 */
export function patchRequestQueue(version?: string): void {
  requirePatchedVersion(version);
  if (isDone) return;
  const { prototype } = require('kafkajs/src/network/requestQueue') as {
    prototype: { scheduleCheckPendingRequests: Schedule };
  };
  const original = prototype.scheduleCheckPendingRequests;
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length === 0 && this.throttledUntil <= Date.now()) return;
    original.call(this);
  };
  isDone = true;
}
