import {
  PermitDenied,
  type ActOutcome,
  type Connector,
  type Ctx,
  type Outcome,
  type Snapshot,
  type Target,
} from '@sever/connector-sdk';
import type { Step } from '@sever/event-contracts';
import { inSpan } from '@sever/telemetry';
import type { InstanceContext, Work } from './work-context.js';

/** Sever itself refused the call: the work waits, no try is counted. */
export type Denied = { kind: 'Denied'; code: string };

type Call<T> = (ctx: Ctx) => Promise<T>;

const DENIED_CODE = 'breaker.open';

/**
 * Calls a connector within the limits of one attempt: a signal that ends with the attempt, a span, the breaker, and the rule
 * that an exception is an unknown effect and never a fact.
 */
export class StepCalls {
  constructor(
    private readonly c: InstanceContext,
    private readonly work: Work,
    private readonly drain: AbortSignal,
  ) {}

  act(step: Step, target: Target, attempt: number): Promise<Outcome | Denied> {
    return this.call('act', step, attempt, async ctx => {
      await ctx.permit();
      return actionOf(this.c.connector, step)?.call(this.c.connector, target, ctx) ?? NOT_IMPLEMENTED;
    });
  }

  verify(step: Step, target: Target, attempt: number): Promise<Outcome | Denied> {
    return this.call('verify', step, attempt, ctx => this.c.connector.verify(step, target, ctx));
  }

  locate(ref: { userName: string; externalId?: string | undefined }): Promise<LocateResult> {
    const { tenant, subject } = this.work;
    return this.call('locate', undefined, 0, ctx =>
      this.c.connector.locate({ tenant, subject, ...ref }, ctx),
    );
  }

  snapshot(step: Step, target: Target): Promise<SnapshotResult> {
    return this.call(
      'snapshot',
      step,
      0,
      ctx => this.c.connector.snapshot?.(step, target, ctx) ?? Promise.resolve(NOT_IMPLEMENTED),
    );
  }

  restore(step: Step, snapshot: Snapshot, target: Target, attempt: number): Promise<Outcome | Denied> {
    return this.call('restore', step, attempt, async ctx => {
      await ctx.permit();
      return this.c.connector.restore?.(step, snapshot, target, ctx) ?? NOT_IMPLEMENTED;
    });
  }

  /** Every answer is noted: the first call of a new person tells of a dead target as well as any other. */
  private async call<T extends { kind: string }>(
    phase: string,
    step: Step | undefined,
    attempt: number,
    run: Call<T>,
  ): Promise<T | Outcome | Denied> {
    const answer = await this.attempt(phase, step, attempt, run);
    await this.c.breaker.note(answer, this.work.subject);
    return answer;
  }

  private async attempt<T extends { kind: string }>(
    phase: string,
    step: Step | undefined,
    attempt: number,
    run: Call<T>,
  ): Promise<T | Outcome | Denied> {
    if (this.c.breaker.isOpen) return { kind: 'Denied', code: DENIED_CODE };
    const labels = { connector: this.c.instance, step: step ?? 'locate', phase };
    const done = this.c.metrics.calls.startTimer(labels);
    const timeout = AbortSignal.timeout(this.c.manifest.attemptTimeoutMs);
    const signal = AbortSignal.any([timeout, this.drain]);
    try {
      return await inSpan(
        `connector.${phase}`,
        { traceparent: this.work.traceparent, attributes: { ...labels, attempt } },
        async () => endedBy(signal, run(await this.ctx(step, attempt, signal))),
      );
    } catch (error) {
      if (error instanceof PermitDenied) return { kind: 'Denied', code: error.code };
      if (this.drain.aborted) return { kind: 'Denied', code: 'process.draining' };
      if (timeout.aborted)
        return { kind: 'Transient', code: 'connector.timed-out', effectUnknown: true, evidence: {} };
      this.c.logger.warn(
        { code: 'connector.threw', phase, step, name: error instanceof Error ? error.name : 'unknown' },
        'a connector threw',
      );
      return {
        kind: 'Transient',
        code: 'connector.threw',
        effectUnknown: true,
        evidence: { error: error instanceof Error ? error.name : 'unknown' },
      };
    } finally {
      done();
    }
  }

  private async ctx(step: Step | undefined, attempt: number, signal: AbortSignal): Promise<Ctx> {
    const match = await this.c.bindings.matchFor(this.work.tenant);
    return {
      tenant: this.work.tenant,
      signal,
      idempotencyKey: `${this.c.instance}/${this.work.requestEvent}/${step ?? 'locate'}/${attempt}`,
      permit: () => this.c.permits.check(),
      traceparent: this.work.traceparent,
      match: match ?? { by: 'userName' },
    };
  }
}

/** Does not wait for a connector that ignores its signal: rejects when the signal ends. */
async function endedBy<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const ended = Promise.withResolvers<never>();
  const end = (): void => ended.reject(signal.reason);
  if (signal.aborted) end();
  signal.addEventListener('abort', end, { once: true });
  work.catch(() => undefined);
  try {
    return await Promise.race([work, ended.promise]);
  } finally {
    signal.removeEventListener('abort', end);
  }
}

type LocateResult = Awaited<ReturnType<Connector['locate']>> | Outcome | Denied;
type SnapshotResult = Awaited<ReturnType<NonNullable<Connector['snapshot']>>> | Outcome | Denied;

const NOT_IMPLEMENTED: ActOutcome = { kind: 'Unsupported', code: 'connector.not-implemented', evidence: {} };

type Action = (target: Target, ctx: Ctx) => Promise<ActOutcome>;

function actionOf(connector: Connector, step: Step): Action | undefined {
  return connector[step];
}
