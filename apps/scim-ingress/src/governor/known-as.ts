import type { StagedOptOut } from '@sever/directory';
import type { Identifiers } from '../writes/event-drafts.js';

/** By what the systems know a person whose staged opt-out begins. */
export const knownAs = ({ userName, externalId }: StagedOptOut): Identifiers => ({
  userName,
  ...(externalId !== null && { externalId }),
});
