import { abortedRead } from './anomalies/aborted-read.js';
import { auditDiffers } from './anomalies/audit-differs.js';
import { digestDiffers } from './anomalies/digest-differs.js';
import { duplicate } from './anomalies/duplicate.js';
import { effectDiffers } from './anomalies/effect-differs.js';
import { inconsistentOffsets } from './anomalies/inconsistent-offsets.js';
import { intPollSkip } from './anomalies/int-poll-skip.js';
import { lostWrite } from './anomalies/lost-write.js';
import { nonmonotonicPoll } from './anomalies/nonmonotonic-poll.js';
import { nonmonotonicSend } from './anomalies/nonmonotonic-send.js';
import { outOfOrderEffect } from './anomalies/out-of-order-effect.js';
import { pollSkip } from './anomalies/poll-skip.js';
import { prematureCommit } from './anomalies/premature-commit.js';
import { rebalanceSkip } from './anomalies/rebalance-skip.js';
import { resurrected } from './anomalies/resurrected.js';
import { unapplied } from './anomalies/unapplied.js';
import { unseen } from './anomalies/unseen.js';
import { zombieCommit } from './anomalies/zombie-commit.js';
import type { Anomaly, Check, Finding } from './finding.js';
import { historyOf, type History } from './history.js';
import type { Operation } from './operation.js';

/** Every anomaly has exactly one check. */
const CHECKS: Readonly<Record<Anomaly, Check<History>>> = {
  'lost-write': lostWrite,
  unseen,
  duplicate,
  'inconsistent-offsets': inconsistentOffsets,
  'aborted-read': abortedRead,
  'poll-skip': pollSkip,
  'int-poll-skip': intPollSkip,
  'nonmonotonic-poll': nonmonotonicPoll,
  'nonmonotonic-send': nonmonotonicSend,
  'rebalance-skip': rebalanceSkip,
  'zombie-commit': zombieCommit,
  'premature-commit': prematureCommit,
  unapplied,
  'out-of-order-effect': outOfOrderEffect,
  resurrected,
  'effect-differs': effectDiffers,
  'audit-differs': auditDiffers,
  'digest-differs': digestDiffers,
};

/** Everything that is wrong in a history. A correct system gives none, whatever crashed meanwhile. */
export function checkHistory(operations: readonly Operation[]): Finding[] {
  const history = historyOf(operations);
  return Object.values(CHECKS).flatMap(check => check(history));
}

/** The names of what was found, each once, in order. */
export const namesOf = (findings: readonly Finding[]): Anomaly[] =>
  [...new Set(findings.map(f => f.anomaly))].sort();
