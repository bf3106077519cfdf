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
  const kept = state?.identifiersDigest ?? null;
  switch (event.type) {
    case 'sever.subject.registered.v1':
    case 'sever.subject.linked.v1':
    case 'sever.subject.identifiers-changed.v1':
      return staying(state, digestOf(event.data.identifiers));
    case 'sever.optout.staged.v1':
      // Nothing happens to them yet.
      return staying(state, kept ?? digestOf(event.data.identifiers));
    case 'sever.optout.requested.v1':
    case 'sever.optout.approved.v1':
      return { lifecycle: 'leaving', identifiersDigest: kept ?? digestOf(event.data.identifiers) };
    case 'sever.optout.closed.v1':
      return { lifecycle: event.data.outcome === 'purged' ? 'gone' : 'cut', identifiersDigest: kept };
    default: {
      const lifecycle = LIFECYCLE_AFTER[event.type];
      return lifecycle ? { lifecycle, identifiersDigest: kept } : state;
    }
  }
}

const staying = (state: SubjectState | undefined, identifiersDigest: string): SubjectState => ({
  lifecycle: state?.lifecycle ?? 'present',
  identifiersDigest,
});

const digestOf = (field: EncryptedField): string =>
  createHash('sha256').update(canonicalJson(field)).digest('hex');
