import { EventLogError, type LogRecord } from '@sever/event-log';
import type { IHeaders, Message } from 'kafkajs';

/** Header that carries a record's place in the log: its identity in every profile. */
export const LOG_OFFSET_HEADER = 'sever-log-offset';
/** Header that carries a record's type where `ce_type` does not say the same. */
const TYPE_HEADER = 'sever-type';
const CE_TYPE_HEADER = 'ce_type';

/** A record of the log as a message: the same bytes, key and headers, in the same partition. */
export const toMessage = (record: LogRecord): Message => ({
  key: record.key,
  value: record.value,
  partition: record.partition,
  headers: {
    ...record.headers,
    ...(record.headers[CE_TYPE_HEADER] !== record.type && { [TYPE_HEADER]: record.type }),
    [LOG_OFFSET_HEADER]: String(record.logOffset),
  },
  timestamp: String(record.timestamp),
});

/** What a fetch brings of one message. */
type Received = {
  key: Buffer | null;
  value: Buffer | null;
  offset: string;
  timestamp: string;
  headers?: IHeaders | undefined;
};

/**
 * The record in a message.
 * @throws EventLogError `log.unreadable` for a message that the relay did not write
 */
export function fromMessage(topic: string, partition: number, message: Received): LogRecord {
  const logOffset = wholeNumberOf(message.headers?.[LOG_OFFSET_HEADER]);
  if (!isWhole(message) || logOffset === undefined)
    throw new EventLogError(
      'log.unreadable',
      `${topic}/${partition} holds a message at ${message.offset} that the relay did not write; find out who else may write there`,
    );
  return new ReceivedRecord(topic, partition, logOffset, message);
}

type Whole = Received & { key: Buffer; value: Buffer };
const isWhole = (message: Received): message is Whole => message.key !== null && message.value !== null;

/** Its headers become text when somebody asks for them: hardly any reader does, and it is half of the work of a record. */
class ReceivedRecord implements LogRecord {
  readonly offset: bigint;
  readonly key: string;
  readonly type: string;
  readonly value: Buffer;
  readonly timestamp: number;
  readonly #headers: IHeaders;

  constructor(
    readonly topic: string,
    readonly partition: number,
    readonly logOffset: bigint,
    message: Whole,
  ) {
    const { headers = {} } = message;
    this.offset = BigInt(message.offset);
    this.key = message.key.toString();
    this.type = textOf(headers[TYPE_HEADER]) ?? textOf(headers[CE_TYPE_HEADER]) ?? '';
    this.value = message.value;
    this.timestamp = Number(message.timestamp);
    this.#headers = headers;
  }

  get headers(): Record<string, string> {
    // Not by assignment: a header may be named like an accessor of every object.
    return Object.fromEntries(
      Object.entries(this.#headers).flatMap(([name, value]): [string, string][] => {
        const text = textOf(value);
        return text !== undefined && name !== LOG_OFFSET_HEADER && name !== TYPE_HEADER ? [[name, text]] : [];
      }),
    );
  }
}

/** A header's text, the first when it is there several times. */
function textOf(value: IHeaders[string]): string | undefined {
  const first = Array.isArray(value) ? value[0] : value;
  return first === undefined ? undefined : first.toString();
}

const DIGIT_0 = 48;
const DIGIT_9 = 57;
/** Decimal digits that a double holds exactly, whatever they are. */
const EXACT_DIGITS = 15;

/** A header's decimal number, read from its bytes: a string and a pattern for every record cost nine times as much. */
function wholeNumberOf(value: IHeaders[string]): bigint | undefined {
  const bytes = Array.isArray(value) ? value[0] : value;
  if (!Buffer.isBuffer(bytes) || bytes.length === 0) return undefined;
  let number = 0;
  for (let i = 0; i < bytes.length; i += 1) {
    const digit = bytes.readUInt8(i);
    if (digit < DIGIT_0 || digit > DIGIT_9) return undefined;
    number = number * 10 + (digit - DIGIT_0);
  }
  return bytes.length <= EXACT_DIGITS ? BigInt(number) : BigInt(bytes.toString());
}
