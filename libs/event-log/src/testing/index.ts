export { eventually } from './eventually.js';
export { ObservedMember, type Delivery } from './observed-member.js';
export { keyIn, specRecord } from './spec-record.js';
export { startStallingProxy, type StallingProxy } from './stalling-proxy.js';
export { describeSubscription } from './subscription-contract.js';
export {
  type Freezable,
  type SubscriptionAdapter,
  type SubscriptionHarness,
} from './subscription-harness.js';
