import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { ScimError } from '../scim-error.js';
import type { Place } from './place.js';

/** How long a cursor is valid, in seconds; announced as `cursorTimeout`. */
export const CURSOR_SECONDS = 3_600;

/** What a cursor belongs to: whose list of which type, in which order, of which resources. */
export type CursorScope = {
  connection: string;
  endpoint: string;
  filter: string | undefined;
  sortBy: string | undefined;
  sortOrder: string | undefined;
};

/** A page that follows: `type` names the list within a search over several, `total` what was counted on the first page. */
export type NextPage = { type: string; place: Place | null; total: number };

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

const invalidCursor = (): ScimError =>
  new ScimError(
    400,
    'the cursor does not belong to this query; begin with an empty cursor, and send nextCursor with the same parameters',
    'invalidCursor',
  );

/**
 * Makes the cursor of a page (RFC 9865 §2): sealed, since a place holds values of a resource and addresses are written down in many
 * places, and made of unreserved characters.
 * @param key 32 bytes that all processes of the service have
 * @param now milliseconds since 1970
 */
export function sealCursor(next: NextPage, scope: CursorScope, key: Buffer, now: number): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(digestOf(scope));
  const text = JSON.stringify({ ...next, at: now });
  return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString(
    'base64url',
  );
}

/**
 * Reads a cursor that {@link sealCursor} made for the same query.
 * @throws ScimError 400 `invalidCursor` for one that was made for another query or by nobody, `expiredCursor`
 */
export function openCursor(cursor: string, scope: CursorScope, key: Buffer, now: number): NextPage {
  const { at, ...next } = unsealed(cursor, scope, key);
  if (now - at <= CURSOR_SECONDS * 1_000) return next;
  throw new ScimError(
    400,
    `the cursor is older than ${CURSOR_SECONDS} seconds; begin again with an empty cursor`,
    'expiredCursor',
  );
}

function unsealed(cursor: string, scope: CursorScope, key: Buffer): NextPage & { at: number } {
  const bytes = Buffer.from(cursor, 'base64url');
  // Other characters would be passed over in silence.
  if (bytes.length <= NONCE_BYTES + TAG_BYTES || bytes.toString('base64url') !== cursor)
    throw invalidCursor();
  const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
    .setAAD(digestOf(scope))
    .setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    const text = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    return JSON.parse(text.toString('utf8')) as NextPage & { at: number };
  } catch {
    throw invalidCursor();
  }
}

const digestOf = (s: CursorScope): Buffer =>
  createHash('sha256')
    .update(
      JSON.stringify([
        s.connection,
        s.endpoint,
        s.filter ?? null,
        s.sortBy || null,
        s.sortOrder?.toLowerCase() || null,
      ]),
    )
    .digest();
