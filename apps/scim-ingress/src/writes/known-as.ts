import type { KnownName } from '@sever/directory';
import type { Identifiers } from './event-drafts.js';

/** A name of the directory as events carry it. */
export const knownAs = ({ userName, externalId, formerUserName }: KnownName): Identifiers => ({
  userName,
  ...(externalId !== null && { externalId }),
  ...(formerUserName !== null && { formerUserName }),
});
