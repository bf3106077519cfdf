import { afterAll, afterEach, beforeAll, describe, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { controlContract } from './control-contract.js';
import { deliveryContract } from './delivery-contract.js';
import { groupContract } from './group-contract.js';
import { ObservedMember } from './observed-member.js';
import { readerContract } from './reader-contract.js';
import { startContract } from './start-contract.js';
import type { ContractContext, SubscriptionAdapter, SubscriptionHarness } from './subscription-harness.js';

/**
 * The contract of a subscription to the log, the same for every adapter. Offsets are taken as opaque and ascending: they may
 * have gaps and begin anywhere; `(topic, partition, logOffset)` is a record's identity and is dense.
 */
export function describeSubscription(name: string, adapter: SubscriptionAdapter): void {
  describe(`a subscription to ${name}`, () => {
    jest.setTimeout(adapter.testTimeoutMs ?? 60_000);
    let harness: SubscriptionHarness;
    const members: ObservedMember[] = [];
    beforeAll(async () => {
      harness = await adapter.open();
    });
    afterEach(async () => {
      await Promise.all(members.splice(0).map(m => m.consumer.stop({ drainMs: 0 })));
    });
    afterAll(() => harness.close());

    const context: ContractContext = {
      harness: () => harness,
      group: () => `spec-${randomUUID()}`,
      member: async (o = {}, consumer = harness.makeConsumer()) => {
        const member = new ObservedMember(consumer);
        members.push(member);
        return member.start({ topics: ['requests', 'outcomes'], from: 'committed', ...o });
      },
    };
    deliveryContract(context);
    startContract(context);
    controlContract(context);
    readerContract(context);
    groupContract(context);
  });
}
