import type { Connector, ConnectorManifest } from '@sever/connector-sdk';
import type { Stage } from '@sever/event-contracts';
import type { PostgresEventLogWriter } from '@sever/event-log-postgres';
import type { SubjectKeys } from '@sever/subject-keys';
import type { Logger } from '@sever/telemetry';
import type { DataSource } from 'typeorm';
import type { InstanceBreaker } from '../breaker/instance-breaker.js';
import type { InstanceMetrics } from '../instance-metrics.js';
import type { TurnGate } from '../turn-gate.js';
import type { PermitGate } from '../permit-gate.js';
import type { BindingCache } from '../binding-cache.js';

/** Everything one instance works with. */
export type InstanceContext = {
  instance: string;
  /** Id of this process as a holder of leases. */
  owner: string;
  manifest: ConnectorManifest;
  connector: Connector;
  dataSource: DataSource;
  writer: PostgresEventLogWriter;
  keys: SubjectKeys;
  bindings: BindingCache;
  permits: PermitGate;
  breaker: InstanceBreaker;
  turns: TurnGate;
  metrics: InstanceMetrics;
  logger: Logger;
};

/** By what the systems may know a person. `formerUserName`: the name before a rename a short while ago, on the way out. */
export type Identifiers = {
  userName: string;
  externalId?: string | undefined;
  formerUserName?: string | undefined;
};

/** One piece of work with what its opt-out said. */
export type Work = {
  requestEvent: string;
  optOutId: string;
  tenant: string;
  subject: string;
  stage: Stage;
  tries: number;
  /** Number of this run over the work: part of the ids of facts that belong to no attempt of a step. */
  run: number;
  /** Whether this instance may have dealt with the person before: an account was adopted, something was taken away. */
  hasPast: boolean;
  waived: ReadonlySet<string>;
  deadline: Date;
  traceparent: string | undefined;
  /** Opens the person's identifiers; undefined after an erasure. */
  identifiers: () => Promise<Identifiers | undefined>;
};

/** How a piece of work ended for now. */
export type WorkResult = {
  state: 'done' | 'retrying' | 'parked';
  tries: number;
  dueAt: Date | null;
  /** The end is in the database already, together with the last fact. */
  isStored?: boolean;
};
