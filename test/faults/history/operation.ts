/** One partition of one topic. */
export type Place = { topic: string; partition: number };

/** A record as somebody saw it. Offsets are numbers here: no test writes 2^53 records. */
export type Sighting = { logOffset: number; eventId: string };

/** A record with its place. */
export type PlacedRecord = Place & Sighting;

/**
 * A client's wish to append, with all its retries. `acked`: a success was answered · `failed`: every try was refused, so that
 * nothing may have happened · `indeterminate`: some try was never answered and none succeeded.
 */
export type AppendOperation = Place & {
  kind: 'append';
  /** One sequential actor: it invokes nothing before its last operation is complete. */
  client: string;
  /** The client's own name for what it asked, the same for all retries. */
  request: string;
  status: 'acked' | 'failed' | 'indeterminate';
  /** Id of the event that tells it; any name that is in no log when no event could be found. */
  eventId: string;
  key: string;
  /** Where the answer says it is, when the answer says so. */
  logOffset?: number;
  /** First try and last answer, on one clock for all clients. */
  invoked: number;
  completed: number;
};

/** A record of the log, read from the first to the last offset after everything has come to rest. */
export type RecordOperation = PlacedRecord & {
  kind: 'record';
  key: string;
  /** SHA-256 of the record's bytes, in hex. */
  sha256: string;
  /** The client's request that it tells, where one is known. */
  request?: string;
};

/** Somebody who must read every record of some topics, from the first on: a consumer group, or a reader on its own. */
export type ReaderOperation = {
  kind: 'reader';
  reader: string;
  topics: readonly string[];
  /** Whether its polls are part of the history. Of a reader inside another process only the traces are. */
  arePollsObserved: boolean;
};

/** Records handed to a member of a reader at once, of one partition. */
export type PollOperation = Place & {
  kind: 'poll';
  reader: string;
  member: string;
  /** The member's assignment: within one, a partition is read without gaps and only forwards. */
  epoch: number;
  records: readonly Sighting[];
};

/** A partition became a member's, and with that nobody else's. */
export type AssignedOperation = Place & { kind: 'assigned'; reader: string; member: string; epoch: number };

/** A stored position: the next offset to read. `member` and `epoch` where the writer is known. */
export type CommitOperation = Place & {
  kind: 'commit';
  reader: string;
  member?: string;
  epoch?: number;
  next: number;
};

/** The reader has to act on this record. */
export type OwedOperation = PlacedRecord & { kind: 'owed'; reader: string };

/** The reader acted on this record, and the result is stored. Recognising a repeat is not acting. */
export type AppliedOperation = PlacedRecord & {
  kind: 'applied';
  reader: string;
  member: string;
  epoch: number;
};

/** What an effect does to the access of an account. */
export type AccessChange = 'enables' | 'disables' | 'removes' | 'none';

/** A connector's effect or proof, in the order in which they became facts. */
export type EffectOperation = {
  kind: 'effect';
  connector: string;
  /** `tenant:subject`. */
  key: string;
  /** Event that asked for it. */
  requestEvent: string;
  fact: string;
  step: string;
  attempt: number;
  access: AccessChange;
};

/** The state of an account in the target, looked up there after everything has come to rest. */
export type AccountOperation = {
  kind: 'account';
  connector: string;
  key: string;
  access: 'enabled' | 'disabled' | 'absent';
};

/** A row of the audit stream. `sha256` is computed from the row's bytes, `stated` is the digest that stands beside them. */
export type AuditOperation = PlacedRecord & { kind: 'audit'; sha256: string; stated?: string };

/** Digest of the live read models, and of the same models rebuilt from the log. */
export type DigestOperation = { kind: 'digest'; what: string; live: string; rebuilt: string };

/** Something observed. The order of a history is the order of observation. */
export type Operation =
  | AppendOperation
  | RecordOperation
  | ReaderOperation
  | PollOperation
  | AssignedOperation
  | CommitOperation
  | OwedOperation
  | AppliedOperation
  | EffectOperation
  | AccountOperation
  | AuditOperation
  | DigestOperation;
