import type { Anomaly } from '../finding.js';

/** Mistakes that can be switched on in the simulated log, and the anomalies by which each must be found. */
export const BUGS = {
  /** The appender answers before its commit, which then does not happen. */
  'ack-before-commit': ['lost-write'],
  /** The same, and nothing is appended afterwards. */
  'ack-without-commit-at-the-end': ['unseen'],
  /** A retry is appended again although the first try was. */
  'retry-appends-again': ['duplicate'],
  /** The answer names another offset than the log gave. */
  'ack-names-wrong-offset': ['inconsistent-offsets'],
  /** A refused request is written all the same. */
  'refused-but-written': ['aborted-read'],
  /** An acknowledged record is written behind a later one of the same client. */
  'appends-late': ['nonmonotonic-send'],
  /** Offsets come from a sequence and become visible at commit: what commits late is passed. */
  'sequence-as-cursor': ['poll-skip', 'int-poll-skip', 'rebalance-skip'],
  /** A poll leaves out a record in its middle. */
  'poll-drops-middle': ['int-poll-skip'],
  /** A poll leaves out its first record. */
  'poll-drops-first': ['poll-skip'],
  /** A poll begins with what was read before. */
  'poll-rewinds': ['nonmonotonic-poll'],
  /** A member that takes over begins at the end instead of the stored position; what it passes is unseen until it reads on. */
  'takeover-starts-at-end': ['rebalance-skip', 'unseen'],
  /** A member that lost its partitions can still move their position. */
  'commit-without-fence': ['zombie-commit'],
  /** The position is stored when records are read, not when they are done. */
  'commit-before-processing': ['premature-commit'],
  /** A record is never finished. */
  'record-gets-stuck': ['unapplied'],
  /** A record is acted on twice in a row. */
  'applies-twice': ['duplicate'],
  /** Two cuts of one person are done in the wrong order. */
  'cuts-overtake': ['out-of-order-effect'],
  /** A restore is done after a cut that was asked for later. */
  'restore-comes-late': ['resurrected'],
  /** The target forgets an effect that it confirmed. */
  'target-forgets': ['effect-differs'],
  /** The audit row holds other bytes. */
  'audit-flips-byte': ['audit-differs'],
  /** No audit row is written. */
  'audit-skips-row': ['audit-differs'],
  /** The fold of the read models drops the last record of a batch. */
  'fold-depends-on-batches': ['digest-differs'],
} as const satisfies Readonly<Record<string, readonly Anomaly[]>>;
export type Bug = keyof typeof BUGS;

/** Anomalies that a bug may show beside its own, because they follow from it. */
export const CONSEQUENCES: Partial<Record<Bug, readonly Anomaly[]>> = {
  // All readers miss records, and get some of them after a crash, when later ones are done.
  'sequence-as-cursor': [
    'digest-differs',
    'audit-differs',
    'premature-commit',
    'out-of-order-effect',
    'resurrected',
  ],
};
