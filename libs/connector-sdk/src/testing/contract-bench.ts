import type { Step } from '@sever/event-contracts';
import type { Connector, Ctx, MatchRule, Snapshot, SubjectRef, Target } from '../connector.js';
import type { ConnectorManifest } from '../manifest.js';
import type { Outcome } from '../outcome.js';
import { must } from './violation.js';
import type {
  ContractAccount,
  ContractSubject,
  ContractTarget,
  Fault,
  FaultName,
  InjectedFault,
  Place,
} from './contract-target.js';

const CALL_MS = 30_000;

/** Changes a connector before it is used; planted violations are such changes. */
export type Alteration = (connector: Connector, at: Place) => Connector;

/** An answer, or the error that came instead of one. */
export type Answered = { kind: string; [member: string]: unknown };

/** What a check works with: the target, connectors to it, and calls that never throw. */
export class ContractBench {
  readonly manifest: ConnectorManifest;
  private readonly opened: Connector[] = [];
  private readonly injected: InjectedFault[] = [];

  constructor(
    readonly subject: ContractSubject,
    readonly target: ContractTarget,
    private readonly alter: Alteration = connector => connector,
  ) {
    this.manifest = subject.definition.manifest;
  }

  connect(at: Place = 'first'): Connector {
    const connector = this.alter(this.target.connect(at), at);
    this.opened.push(connector);
    return connector;
  }

  ctx(o: { signal?: AbortSignal; match?: MatchRule; permit?: () => Promise<void> } = {}): Ctx {
    return {
      tenant: 'acme',
      signal: o.signal ?? AbortSignal.timeout(CALL_MS),
      idempotencyKey: 'contract',
      permit: o.permit ?? (() => Promise.resolve()),
      traceparent: undefined,
      match: o.match ?? { by: 'userName' },
    };
  }

  /** Steps that the manifest promises, in order. */
  steps(stage?: 'cut' | 'purge'): Step[] {
    return this.manifest.steps
      .filter(s => s.support !== 'unsupported' && (stage === undefined || s.stage === stage))
      .map(s => s.step);
  }

  has(step: Step): boolean {
    return this.steps().includes(step);
  }

  hasFault(name: FaultName): boolean {
    return this.subject.faults.includes(name);
  }

  /** The account as the connector finds it. */
  async locate(connector: Connector, account: ContractAccount, match?: MatchRule): Promise<Target> {
    const found = await connector.locate(account.ref, this.ctx({ match }));
    must(found.kind === 'Located', `locate answered ${describe(found)} for an account that is there`);
    return found.target;
  }

  /** A fresh account and where the connector found it. */
  async located(
    connector: Connector,
    wish?: Parameters<ContractTarget['makeAccount']>[0],
  ): Promise<{ account: ContractAccount; target: Target }> {
    const account = await this.target.makeAccount(wish);
    return { account, target: await this.locate(connector, account) };
  }

  find(connector: Connector, ref: SubjectRef, ctx = this.ctx()): Promise<Answered> {
    return answered(() => connector.locate(ref, ctx));
  }

  act(connector: Connector, step: Step, target: Target, ctx = this.ctx()): Promise<Answered> {
    return answered(() => {
      const action = connector[step]?.bind(connector);
      return action ? action(target, ctx) : Promise.reject(new Error(`${step} is not implemented`));
    });
  }

  verify(connector: Connector, step: Step, target: Target, ctx = this.ctx()): Promise<Answered> {
    return answered(() => connector.verify(step, target, ctx));
  }

  async snapshot(connector: Connector, step: Step, target: Target): Promise<Snapshot> {
    const taken = await connector.snapshot?.(step, target, this.ctx());
    must(taken?.kind === 'Snapshot', `no snapshot of ${step}: ${describe(taken ?? { kind: 'nothing' })}`);
    return taken.snapshot;
  }

  /** Runs `work` under a fault and demands that the fault was met. */
  async under<T>(fault: Fault, work: () => Promise<T>): Promise<T> {
    const { result, fired } = await this.underIfMet(fault, work);
    must(fired > 0, `the fault ${fault.name} was never met: the check showed nothing`);
    return result;
  }

  async underIfMet<T>(fault: Fault, work: () => Promise<T>): Promise<{ result: T; fired: number }> {
    const injected = await this.target.inject(fault);
    this.injected.push(injected);
    try {
      const result = await work();
      return { result, fired: injected.fired() };
    } finally {
      await injected.clear();
    }
  }

  /** Writes that arrived at the target while `work` ran. */
  async writesOf(work: () => Promise<unknown>): Promise<number> {
    const before = this.target.traffic().writes;
    await work();
    return this.target.traffic().writes - before;
  }

  async callsOf(work: () => Promise<unknown>): Promise<number> {
    const before = this.target.traffic().calls;
    await work();
    return this.target.traffic().calls - before;
  }

  async close(): Promise<void> {
    await Promise.all(this.injected.map(fault => fault.clear()));
    await Promise.all(this.opened.map(connector => connector.close().catch(() => undefined)));
    await this.target.afterCheck?.();
  }
}

/** An answer as a value, with what was thrown as one more kind. */
async function answered(work: () => Promise<Answered | Outcome>): Promise<Answered> {
  try {
    return { ...(await work()) };
  } catch (error) {
    const { name, message } = error as { name?: unknown; message?: unknown };
    return { kind: 'Thrown', name: String(name), message: String(message) };
  }
}

/** An answer in a few words. */
export const describe = (answer: { kind: string; code?: unknown; message?: unknown }): string =>
  [answer.kind, answer.code, answer.message].filter(part => typeof part === 'string').join(' ');
