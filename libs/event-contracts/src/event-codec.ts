import { canonicalJson } from './canonical-json.js';
import { ContractError } from './contract-error.js';
import { EVENTS, isEventType, type EventData, type EventType, type SeverEvent } from './event-catalogue.js';
import { envelopeSchema, type EventEnvelope } from './event-envelope.js';
import { upcast } from './upcasters.js';

/** Largest encoded event in bytes; leaves room below the 65,535 bytes of an audit tree entry. */
export const EVENT_BYTES_MAX = 60_000;

/** What a producer states about a new event; the rest of the envelope is fixed. */
export type NewEvent<T extends EventType> = {
  type: T;
  id: string;
  source: string;
  tenant: string;
  subject: string;
  time: Date;
  optOutId?: string | undefined;
  causationId?: string | undefined;
  traceparent?: string | undefined;
  data: EventData<T>;
};

/** Builds the complete event of one type and checks its data against the contract. */
export function makeEvent<T extends EventType>(e: NewEvent<T>): SeverEvent<T> {
  const event = {
    specversion: '1.0',
    id: e.id,
    source: e.source,
    type: e.type,
    subject: e.subject,
    time: e.time.toISOString(),
    datacontenttype: 'application/json',
    tenant: e.tenant,
    ...(e.optOutId && { optoutid: e.optOutId }),
    ...(e.causationId && { causationid: e.causationId }),
    ...(e.traceparent && { traceparent: e.traceparent }),
    data: e.data,
  };
  return checkEvent(event) as SeverEvent<T>;
}

/**
 * The exact bytes of an event: RFC 8785 JSON of the complete CloudEvents envelope, made once and never re-made.
 * @throws ContractError `event.too-large` above {@link EVENT_BYTES_MAX}, `event.not-canonical` for values JCS cannot carry.
 */
export function encodeEvent(event: SeverEvent): Buffer {
  const bytes = Buffer.from(canonicalJson(event), 'utf8');
  if (bytes.length > EVENT_BYTES_MAX)
    throw new ContractError(
      'event.too-large',
      `the event has ${bytes.length} bytes; at most ${EVENT_BYTES_MAX} are allowed`,
    );
  return bytes;
}

/**
 * Reads an event from its bytes, lifting old versions to the current one.
 * @throws ContractError `event.unreadable` (not JSON), `event.unknown-type`, `event.invalid` (breaks its schema).
 */
export function decodeEvent(bytes: Uint8Array): SeverEvent {
  return checkEvent(upcast(parseEnvelope(bytes)));
}

/** Reads the envelope only: for readers that store or route and do not interpret `data`. */
export function parseEnvelope(bytes: Uint8Array): EventEnvelope {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    throw new ContractError('event.unreadable', 'the record is not JSON', { cause });
  }
  const parsed = envelopeSchema.safeParse(json);
  if (!parsed.success) throw new ContractError('event.invalid', `envelope: ${parsed.error.message}`);
  return parsed.data;
}

function checkEvent(envelope: unknown): SeverEvent {
  const outer = envelopeSchema.safeParse(envelope);
  if (!outer.success) throw new ContractError('event.invalid', `envelope: ${outer.error.message}`);
  const { type } = outer.data;
  if (!isEventType(type))
    throw new ContractError('event.unknown-type', `no event type ${type} is known; upgrade this reader`);
  const data = EVENTS[type].safeParse(outer.data.data);
  if (!data.success) throw new ContractError('event.invalid', `${type}: ${data.error.message}`);
  return { ...outer.data, data: data.data } as SeverEvent;
}
