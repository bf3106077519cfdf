import {
  USER,
  applyPatch,
  checkRequired,
  newResource,
  parsePatch,
  replacedResource,
  type DialectReading,
  type Json,
  type JsonObject,
} from '@sever/scim';

/** The user that a POST asks for. @throws ScimError 400 */
export const userOfPost = (body: Json, reading: DialectReading): JsonObject =>
  newResource(body, USER, reading);

/** What a PUT makes of a user. @throws ScimError 400 */
export const userOfPut =
  (body: Json, reading: DialectReading) =>
  (before: JsonObject): JsonObject =>
    replacedResource(before, body, USER, reading);

/** Reads a PATCH once; the result says what it makes of the user with this id. @throws ScimError 400 */
export function patchOfUser(
  body: Json,
  reading: DialectReading,
  id: string,
): (before: JsonObject) => JsonObject {
  const operations = parsePatch(body, reading);
  return before => checkRequired(applyPatch(before, operations, USER, reading, { id }), USER);
}
