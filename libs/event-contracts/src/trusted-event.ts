import { ContractError } from './contract-error.js';
import { isEventType, type SeverEvent } from './event-catalogue.js';
import { upcast } from './upcasters.js';
import type { EventEnvelope } from './event-envelope.js';

/**
 * Reads an event whose bytes come from the log. The writer validated them against their schema and the log cannot change,
 * so that bulk readers need not validate every member again.
 * @throws ContractError `event.unreadable`, `event.unknown-type`
 */
export function readLoggedEvent(bytes: Buffer): SeverEvent {
  let envelope: EventEnvelope;
  try {
    envelope = upcast(JSON.parse(bytes.toString('utf8')) as EventEnvelope);
  } catch (cause) {
    throw new ContractError('event.unreadable', 'a record of the log is not JSON', { cause });
  }
  if (!isEventType(envelope.type))
    throw new ContractError(
      'event.unknown-type',
      `no event type ${String(envelope.type)} is known; upgrade this reader`,
    );
  return envelope as unknown as SeverEvent;
}
