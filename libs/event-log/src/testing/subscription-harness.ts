import type { EventLogAdmin } from '../port/event-log-admin.js';
import type { ConsumerStart, EventLogConsumer } from '../port/event-log-consumer.js';
import type { Appended } from '../port/event-log-writer.js';
import type { NewRecord, Offsets } from '../port/log-record.js';
import { type ObservedMember } from './observed-member.js';

/** A consumer that can be cut off without being closed, as a stopped or unreachable process is. */
export type Freezable = { consumer: EventLogConsumer; freeze(): void; thaw(): void };

/** What an adapter supplies for the contract suite. Topics are `requests` and `outcomes`, with `PARTITIONS` partitions each. */
export type SubscriptionHarness = {
  /** Appends through the one writer and carries the records to where the subscription reads; resolves when they can be read. */
  append(records: readonly NewRecord[]): Promise<readonly Appended[]>;
  /** A consumer with short timeouts. */
  makeConsumer(): EventLogConsumer;
  /** A consumer of its own connections that can fall silent. */
  makeFreezable(): Promise<Freezable>;
  admin: EventLogAdmin;
  /** The offsets that a group has committed; partitions without one may be missing. */
  committed(group: string): Promise<Offsets>;
  close(): Promise<void>;
};

export type SubscriptionAdapter = {
  open(): Promise<SubscriptionHarness>;
  /** Longest wait of one test in milliseconds: joins of a group take seconds on some logs. */
  testTimeoutMs?: number;
};

/** What each part of the suite works with. */
export type ContractContext = {
  harness(): SubscriptionHarness;
  /** A name for a group of one test. */
  group(): string;
  /** Starts a member of both topics from the committed offsets; stopped after the test. */
  member(o?: Partial<ConsumerStart>, consumer?: EventLogConsumer): Promise<ObservedMember>;
};
