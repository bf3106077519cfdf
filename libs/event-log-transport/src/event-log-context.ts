import { BaseRpcContext } from '@nestjs/microservices';
import { decodeEvent, type SeverEvent } from '@sever/event-contracts';
import type { LogRecord } from '@sever/event-log';

/** What a handler gets beside the payload: the record, its event (decoded when asked for), and the assignment it came with. */
export class EventLogContext extends BaseRpcContext<[LogRecord, number]> {
  private decoded: SeverEvent | undefined;

  constructor(
    readonly record: LogRecord,
    readonly epoch: number,
  ) {
    super([record, epoch]);
  }

  /** The event; throws ContractError for bytes that no reader of this version understands. */
  event(): SeverEvent {
    this.decoded ??= decodeEvent(this.record.value);
    return this.decoded;
  }
}
