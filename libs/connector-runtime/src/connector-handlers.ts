import { Controller } from '@nestjs/common';
import { Ctx, EventPattern } from '@nestjs/microservices';
import { ContractError, type RequestEventType, type SeverEvent } from '@sever/event-contracts';
import { ack, stop, type Verdict } from '@sever/event-log';
import { EventLogContext } from '@sever/event-log-transport';
import { DeadLetters } from './store/dead-letters.js';
import { InstanceEngine } from './instance-engine.js';

const type = <T extends RequestEventType>(name: T): T => name;

const stopped = (error: unknown): Verdict => stop(error instanceof Error ? error : new Error(String(error)));

/** The events of the log that a connector instance acts on; everything else is skipped by its header. */
@Controller()
export class ConnectorHandlers {
  constructor(
    private readonly engine: InstanceEngine,
    private readonly deadLetters: DeadLetters,
  ) {}

  @EventPattern(type('sever.optout.requested.v1'))
  requested(@Ctx() ctx: EventLogContext): Promise<Verdict> {
    return this.handle(ctx);
  }

  @EventPattern(type('sever.optout.approved.v1'))
  approved(@Ctx() ctx: EventLogContext): Promise<Verdict> {
    return this.handle(ctx);
  }

  @EventPattern(type('sever.optout.purge-started.v1'))
  purgeStarted(@Ctx() ctx: EventLogContext): Promise<Verdict> {
    return this.handle(ctx);
  }

  @EventPattern(type('sever.optout.restore-started.v1'))
  restoreStarted(@Ctx() ctx: EventLogContext): Promise<Verdict> {
    return this.handle(ctx);
  }

  @EventPattern(type('sever.optout.reverification-requested.v1'))
  reverificationRequested(@Ctx() ctx: EventLogContext): Promise<Verdict> {
    return this.handle(ctx);
  }

  @EventPattern(type('sever.optout.restore-requested.v1'))
  restoreRequested(@Ctx() ctx: EventLogContext): Promise<Verdict> {
    return this.handle(ctx);
  }

  @EventPattern(type('sever.optout.retry-requested.v1'))
  retryRequested(@Ctx() ctx: EventLogContext): Promise<Verdict> {
    return this.handle(ctx);
  }

  @EventPattern(type('sever.optout.waived.v1'))
  waived(@Ctx() ctx: EventLogContext): Promise<Verdict> {
    return this.handle(ctx);
  }

  private async handle(ctx: EventLogContext): Promise<Verdict> {
    let event: SeverEvent;
    try {
      event = ctx.event();
    } catch (error) {
      if (!(error instanceof ContractError)) return stopped(error);
      // Bytes that nobody can read: kept for a person, and the others go on.
      await this.deadLetters.keep(ctx.record, error.code);
      return ack;
    }
    return this.engine.handle(ctx.record, event).catch(stopped);
  }
}
