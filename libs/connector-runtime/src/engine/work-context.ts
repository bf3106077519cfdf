import type { Connector, ConnectorManifest } from '@sever/connector-sdk';
import type { Stage } from '@sever/event-contracts';
import type { EventLogWriter } from '@sever/event-log';
import type { SubjectKeys } from '@sever/subject-keys';
import type { Logger } from '@sever/telemetry';
import type { DataSource, EntityManager } from 'typeorm';
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
  writer: EventLogWriter<EntityManager>;
  keys: SubjectKeys;
  bindings: BindingCache;
  permits: PermitGate;
  breaker: InstanceBreaker;
  turns: TurnGate;
  metrics: InstanceMetrics;
  logger: Logger;
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
  waived: ReadonlySet<string>;
  deadline: Date;
  traceparent: string | undefined;
  /** Opens the person's identifiers; undefined after an erasure. */
  identifiers: () => Promise<{ userName: string; externalId?: string | undefined } | undefined>;
};

/** How a piece of work ended for now. */
export type WorkResult = { state: 'done' | 'retrying' | 'parked'; tries: number; dueAt: Date | null };
