import { createHash } from 'node:crypto';
import { canonicalJson, type EncryptedField, type SeverEvent } from '@sever/event-contracts';

/** What is kept of a person: where their life stands and the digest of their identifiers' ciphertext, never a name. */
export type SubjectState = {
  lifecycle: 'present' | 'leaving' | 'cut' | 'gone' | 'restored' | 'rehired';
  identifiersDigest: string | null;
};

/** Folds one event of the `requests` topic into a person's state; undefined when the event says nothing about a person's life. */
export function foldSubject(state: SubjectState | undefined, event: SeverEvent): SubjectState | undefined {
  const kept = state?.identifiersDigest ?? null;
  switch (event.type) {
    case 'sever.subject.registered.v1':
    case 'sever.subject.linked.v1':
      return {
        lifecycle: state?.lifecycle ?? 'present',
        identifiersDigest: digestOf(event.data.identifiers),
      };
    case 'sever.subject.identifiers-changed.v1':
      return {
        lifecycle: state?.lifecycle ?? 'present',
        identifiersDigest: digestOf(event.data.identifiers),
      };
    case 'sever.optout.staged.v1':
      // Nothing happens to them yet.
      return {
        lifecycle: state?.lifecycle ?? 'present',
        identifiersDigest: kept ?? digestOf(event.data.identifiers),
      };
    case 'sever.optout.requested.v1':
    case 'sever.optout.approved.v1':
      return { lifecycle: 'leaving', identifiersDigest: kept ?? digestOf(event.data.identifiers) };
    case 'sever.optout.cut.v1':
      return { lifecycle: 'cut', identifiersDigest: kept };
    case 'sever.optout.closed.v1':
      return { lifecycle: event.data.outcome === 'purged' ? 'gone' : 'cut', identifiersDigest: kept };
    case 'sever.optout.restored.v1':
      return { lifecycle: 'restored', identifiersDigest: kept };
    case 'sever.optout.rehired-after-purge.v1':
      return { lifecycle: 'rehired', identifiersDigest: kept };
    default:
      return state;
  }
}

const digestOf = (field: EncryptedField): string =>
  createHash('sha256').update(canonicalJson(field)).digest('hex');
