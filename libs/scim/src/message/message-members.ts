import { isObject, type Json, type JsonObject } from '../json-value.js';
import { invalidSyntax } from '../scim-error.js';

/**
 * The named members of an object, whatever case their names are written in (RFC 7643 §2.1); others are left out.
 * @throws ScimError 400 `invalidSyntax` for a member that stands there twice: there is no telling which one is meant
 */
export function membersNamed<Name extends string>(
  object: JsonObject,
  names: readonly Name[],
): Partial<Record<Name, Json>> {
  const found: Partial<Record<Name, Json>> = {};
  const byLower = new Map(names.map(name => [name.toLowerCase(), name]));
  for (const [said, value] of Object.entries(object)) {
    const name = byLower.get(said.toLowerCase());
    if (name === undefined) continue;
    if (Object.hasOwn(found, name)) throw invalidSyntax(`"${name}" stands there twice`);
    found[name] = value;
  }
  return found;
}

/**
 * The named members of a message (RFC 7644 §3.5.2, §3.4.3, §3.7).
 * @throws ScimError 400 `invalidSyntax` for something that does not name the schema of the message
 */
export function readMessage<Name extends string>(
  body: Json,
  schema: string,
  names: readonly Name[],
): Partial<Record<Name, Json>> {
  if (!isObject(body)) throw invalidSyntax('the body must be a JSON object');
  const { schemas } = membersNamed(body, ['schemas']);
  const isNamed =
    Array.isArray(schemas) &&
    schemas.some(named => typeof named === 'string' && named.toLowerCase() === schema.toLowerCase());
  if (!isNamed) throw invalidSyntax(`"schemas" must name ${schema}`);
  return membersNamed(body, names);
}
