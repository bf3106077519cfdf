import type { Connector, ConnectorDefinition, MatchRule, SubjectRef } from '../connector.js';
import type { CheckId } from './check-id.js';

/** How a target can misbehave. An adapter injects these between the connector and the real target. */
export const FAULT_NAMES = [
  'rate-limited',
  'rate-limited-as-forbidden',
  'server-error',
  'unavailable',
  'reset',
  'refused',
  'hang',
  'unauthorized',
  'malformed',
  'empty',
  'foreign-not-found',
  'truncated-list',
  'redirect',
  'login-page',
  'error-body',
  'write-refused',
  'response-lost',
  'false-success',
  'filter-ignored',
] as const;
export type FaultName = (typeof FAULT_NAMES)[number];

/** One fault, from the next matching call on until it is cleared. */
export type Fault = {
  name: FaultName;
  on?: 'every call' | 'writes';
  /** Matching calls that pass before it begins. */
  after?: number;
  /** Matching calls that it meets; without it, all. */
  times?: number;
  /** Header of a rate-limited reply; by default the vendor does not say. */
  header?: readonly [name: string, value: string];
};

export type InjectedFault = {
  /** Calls that met it so far. */
  fired(): number;
  clear(): Promise<void>;
};

/** An account that the adapter made, with what the target itself says about its id. */
export type ContractAccount = { ref: SubjectRef; id: string; at: Place };

/** Two separate targets of the same system, each with a credential of its own. */
export type Place = 'first' | 'second';

/** What the target itself says about an account, read past the connector. `null`: the system has no such thing. */
export type AccountState = {
  exists: boolean;
  /** A new login would succeed. */
  canEnter: boolean;
  /** Sessions that were open when asked. */
  sessions: number | null;
  /** Identities of everything it was given, sorted. */
  entitlements: readonly string[];
};

export type AccountWish = {
  at?: Place;
  userName?: string;
  /** How many; the same ones for every account that asks for the same number. Two by default. */
  entitlements?: number;
  /** Part of a shared instance in which it is made. */
  scope?: MatchRule['scope'];
};

/** A configuration that must not work: refused when it is read, or answered with an outcome of this kind. */
export type NegativeConfig = {
  name: string;
  expected: 'settings refused' | 'AuthFailed' | 'Transient' | 'Malformed' | 'Conflict';
  parse?: () => unknown;
  connect?: () => Connector;
};

/** A running target, as the checks need it. What it does goes past the connector; calls of a connector go through its gate. */
export interface ContractTarget {
  connect(at: Place): Connector;
  /** An account that may enter, with a live session where the system has sessions. */
  makeAccount(wish?: AccountWish): Promise<ContractAccount>;
  stateOf(account: ContractAccount): Promise<AccountState>;
  removeAccount(account: ContractAccount): Promise<void>;
  renameAccount(account: ContractAccount, userName: string): Promise<void>;
  /** A name that no account has. */
  unusedName(): string;
  inject(fault: Fault): Promise<InjectedFault>;
  /** Calls, and writes among them, that arrived at the gate since the start. */
  traffic(): { calls: number; writes: number };
  /** Texts that may stand in no outcome and no error: the credentials in use. */
  secrets(): readonly string[];
  /** An account that the instance's settings protect. */
  protectedAccount(): Promise<ContractAccount>;
  /** The account that the connector itself uses, where it uses one. */
  ownAccount?(): Promise<ContractAccount>;
  /** A person for whom two accounts match. */
  ambiguous?(): Promise<SubjectRef>;
  /** Two parts of one shared instance. */
  scopes?: readonly [NonNullable<MatchRule['scope']>, NonNullable<MatchRule['scope']>];
  negativeConfigs(): readonly NegativeConfig[];
  /** Called when a check has ended, for what it left open. */
  afterCheck?(): Promise<void>;
  dispose(): Promise<void>;
}

/** A connector under contract: what is known of it before its target runs. */
export type ContractSubject = {
  definition: ConnectorDefinition;
  /** Faults that its protocol can have. */
  faults: readonly FaultName[];
  /** Entitlements that need more than one page of every list that is paged. */
  manyEntitlements: number;
  /** Checks that have no meaning for it, each with the reason. */
  leftOut: Partial<Record<CheckId, string>>;
  start(): Promise<ContractTarget>;
};
