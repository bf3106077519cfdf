import { KnownLog } from './known-log.js';
import type {
  AccountOperation,
  AppendOperation,
  AppliedOperation,
  AssignedOperation,
  AuditOperation,
  CommitOperation,
  DigestOperation,
  EffectOperation,
  Operation,
  OwedOperation,
  PollOperation,
  ReaderOperation,
  RecordOperation,
} from './operation.js';

/** Observed operations by kind, each list in the order of observation, and what they tell about the log. */
export type History = {
  appends: readonly AppendOperation[];
  records: readonly RecordOperation[];
  readers: readonly ReaderOperation[];
  polls: readonly PollOperation[];
  /** Assignments and commits together: who owned a partition when a position was stored. */
  positions: readonly (AssignedOperation | CommitOperation)[];
  owed: readonly OwedOperation[];
  applied: readonly AppliedOperation[];
  effects: readonly EffectOperation[];
  accounts: readonly AccountOperation[];
  audit: readonly AuditOperation[];
  digests: readonly DigestOperation[];
  known: KnownLog;
};

/** Sorts a list of operations. */
export function historyOf(operations: readonly Operation[]): History {
  const of = <K extends Operation['kind']>(...kinds: K[]): Extract<Operation, { kind: K }>[] =>
    operations.filter((o): o is Extract<Operation, { kind: K }> => (kinds as string[]).includes(o.kind));
  const appends = of('append');
  const records = of('record');
  const polls = of('poll');
  return {
    appends,
    records,
    polls,
    readers: of('reader'),
    positions: of('assigned', 'commit'),
    owed: of('owed'),
    applied: of('applied'),
    effects: of('effect'),
    accounts: of('account'),
    audit: of('audit'),
    digests: of('digest'),
    known: new KnownLog(appends, records, polls),
  };
}
