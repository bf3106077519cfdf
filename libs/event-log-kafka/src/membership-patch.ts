import { createRequire } from 'node:module';
import { setTimeout as wait } from 'node:timers/promises';
import { requirePatchedVersion } from './patched-version.js';

/** What we touch of private classes of the client. */
type Membership = { joinAndSync(): Promise<void>; heartbeat(o: { interval: number }): Promise<void> };
type Run = { consumerGroup: Membership; stop(): Promise<void> };
type ClientError = Error & { type?: string; retriable?: boolean; cause?: unknown };

/** A member that finds no coordinator for so long gives up, and its process with it. */
const JOIN_MS = 120_000;
const AGAIN_MS = 300;
/** The client answers it by looking for the coordinator and joining again as the member that it is. */
const COORDINATOR_MOVED = 'NOT_COORDINATOR_FOR_GROUP';
/** Errors that the client acts upon itself. */
const UNDERSTOOD = [COORDINATOR_MOVED, 'REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'];

const require = createRequire(import.meta.url);
const ending = new WeakSet<Membership>();
let isDone = false;

/**
 * Lets a member of a group survive the death of the broker that coordinates the group. The client gives up when the connection breaks while
 * it joins, and keeps asking the dead broker for heartbeats afterwards. Its successor is another member, for which the group waits
 * until the session of the first has run out; where brokers die more often than that, the group would never work again.
 * @throws Error for another version of the client than the one that this was written for
 */
export function patchMembership(): void {
  requirePatchedVersion();
  if (isDone) return;
  const group = require('kafkajs/src/consumer/consumerGroup') as { prototype: Membership };
  const runner = require('kafkajs/src/consumer/runner') as { prototype: Run };
  joinAgain(group.prototype);
  lookForTheCoordinator(group.prototype);
  tellTheEnd(runner.prototype);
  isDone = true;
}

function joinAgain(prototype: Membership): void {
  const original = prototype.joinAndSync;
  prototype.joinAndSync = async function (this: Membership) {
    for (const until = performance.now() + JOIN_MS; ;) {
      try {
        return await original.call(this);
      } catch (error) {
        if (!isPassing(error) || ending.has(this) || performance.now() > until) throw error;
        await wait(AGAIN_MS);
      }
    }
  };
}

function lookForTheCoordinator(prototype: Membership): void {
  const original = prototype.heartbeat;
  prototype.heartbeat = async function (this: Membership, o) {
    try {
      await original.call(this, o);
    } catch (error) {
      if (!isPassing(error) || UNDERSTOOD.includes((error as ClientError).type ?? '')) throw error;
      throw Object.assign(error as ClientError, { type: COORDINATOR_MOVED });
    }
  };
}

/** Whoever leaves a group does not join it again. */
function tellTheEnd(prototype: Run): void {
  const original = prototype.stop;
  prototype.stop = function (this: Run) {
    ending.add(this.consumerGroup);
    return original.call(this);
  };
}

/** What may be gone the next time, as the client itself judges before it starts anew. */
function isPassing(error: unknown): boolean {
  const { name, retriable, cause } = error as ClientError;
  if (name === 'KafkaJSNumberOfRetriesExceeded' || retriable === true) return true;
  return cause instanceof Error && isPassing(cause);
}
