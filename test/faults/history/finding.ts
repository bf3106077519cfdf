import type { Place, PlacedRecord } from './operation.js';

/**
 * Names of what can be wrong. The first nine are those of Jepsen's Kafka workload (`jepsen.tests.kafka`) and mean the same:
 * a reader is a process with an assignment there, a member within one epoch here.
 */
export const ANOMALIES = [
  'lost-write',
  'unseen',
  'duplicate',
  'inconsistent-offsets',
  'aborted-read',
  'poll-skip',
  'int-poll-skip',
  'nonmonotonic-poll',
  'nonmonotonic-send',
  'rebalance-skip',
  'zombie-commit',
  'premature-commit',
  'unapplied',
  'out-of-order-effect',
  'resurrected',
  'effect-differs',
  'audit-differs',
  'digest-differs',
] as const;
export type Anomaly = (typeof ANOMALIES)[number];

/** One thing that is wrong, with what shows it. */
export type Finding = {
  anomaly: Anomaly;
  /** One line for people. */
  explanation: string;
  /** Who saw or did it, where it was somebody. */
  reader?: string;
  /** The records concerned, a sample when there are many. */
  records: readonly PlacedRecord[];
};

/** A look at a history for one anomaly. */
export type Check<H> = (history: H) => Finding[];

/** Records shown with one finding at most. */
const SAMPLE = 5;
export const sample = (records: readonly PlacedRecord[]): PlacedRecord[] =>
  records.slice(0, SAMPLE).map(({ topic, partition, logOffset, eventId }) => ({
    topic,
    partition,
    logOffset,
    eventId,
  }));

/** A record in words. */
export const named = (at: PlacedRecord): string =>
  `${at.topic}/${at.partition}@${at.logOffset} (${at.eventId})`;

export const nameOfPlace = (at: Place): string => `${at.topic}/${at.partition}`;
