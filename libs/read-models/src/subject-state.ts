import { createHash } from 'node:crypto';
import { canonicalJson, type EncryptedField, type SeverEvent } from '@sever/event-contracts';

/** What is kept of a person: where their life stands and the digest of their identifiers' ciphertext, never a name. */
export type SubjectState = {
  lifecycle: 'present' | 'leaving' | 'cut' | 'gone' | 'restored' | 'rehired';
  identifiersDigest: string | null;
};

/** What these events say by their type alone. */
const LIFECYCLE_AFTER: Partial<Record<SeverEvent['type'], SubjectState['lifecycle']>> = {
  'sever.optout.cut.v1': 'cut',
  'sever.optout.restored.v1': 'restored',
  'sever.optout.rehired-after-purge.v1': 'rehired',
};

/** Folds one event of the `requests` topic into a person's state; undefined when the event says nothing about a person's life. */
export function foldSubject(state: SubjectState | undefined, event: SeverEvent): SubjectState | undefined {
  const lifecycle = lifecycleAfter(state?.lifecycle, event);
  if (lifecycle === undefined) return state;
  const told = toldIdentifiers(event, state?.identifiersDigest ?? null);
  const identifiersDigest = told ? digestOf(told) : (state?.identifiersDigest ?? null);
  if (lifecycle === state?.lifecycle && identifiersDigest === state.identifiersDigest) return state;
  return { lifecycle, identifiersDigest };
}

function lifecycleAfter(
  before: SubjectState['lifecycle'] | undefined,
  event: SeverEvent,
): SubjectState['lifecycle'] | undefined {
  switch (event.type) {
    case 'sever.subject.registered.v1':
    case 'sever.subject.linked.v1':
    case 'sever.subject.identifiers-changed.v1':
    case 'sever.optout.staged.v1':
      // Who is staged keeps everything.
      return before ?? 'present';
    case 'sever.optout.requested.v1':
    case 'sever.optout.approved.v1':
      return 'leaving';
    case 'sever.optout.closed.v1':
      return event.data.outcome === 'purged' ? 'gone' : 'cut';
    default:
      return LIFECYCLE_AFTER[event.type] ?? before;
  }
}

/** The identifiers that are the person's from this event on, if it tells any. */
function toldIdentifiers(event: SeverEvent, known: string | null): EncryptedField | undefined {
  switch (event.type) {
    case 'sever.subject.registered.v1':
    case 'sever.subject.linked.v1':
    case 'sever.subject.identifiers-changed.v1':
    case 'sever.optout.repeated.v1':
    case 'sever.optout.restore-requested.v1':
    case 'sever.optout.restore-refused.v1':
    case 'sever.optout.rehired-after-purge.v1':
      return event.data.identifiers;
    case 'sever.optout.requested.v1':
    case 'sever.optout.staged.v1':
      // It repeats them; they are other ones only when it says that the request changed them.
      return event.data.attributes || known === null ? event.data.identifiers : undefined;
    case 'sever.optout.approved.v1':
      return known === null ? event.data.identifiers : undefined;
    default:
      return undefined;
  }
}

const digestOf = (field: EncryptedField): string =>
  createHash('sha256').update(canonicalJson(field)).digest('hex');
