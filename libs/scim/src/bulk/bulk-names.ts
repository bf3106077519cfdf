import { isObject, type Json } from '../json-value.js';
import { membersNamed } from '../message/message-members.js';
import { normaliseUserName } from '../user-name.js';
import type { BulkOperation } from './bulk-request.js';

/** The names that resources have now, by their ids; who is not there is left out. */
export type NamesOf = (endpoint: string, ids: readonly string[]) => Promise<ReadonlyMap<string, string>>;

const NAMES = ['userName', 'displayName'] as const;
/** A name, or somebody who comes back and wants theirs again. */
const MAY_TAKE_A_NAME = /name|true/i;

/**
 * What operations of one request are about: two that share a resource, or a name that one gives up and the other takes, have to keep their order
 * (RFC 7644 §3.7: the result is the same as one after the other).
 */
export class BulkNames {
  private readonly byResource = new Map<string, Set<string>>();

  private constructor(operations: readonly BulkOperation[]) {
    for (const operation of operations)
      for (const name of namesIn(operation)) this.add(resourceOf(operation), name);
  }

  /** Looks up the names of those resources that are there already, unless nobody could take one. */
  static async of(operations: readonly BulkOperation[], namesOf: NamesOf): Promise<BulkNames> {
    const names = new BulkNames(operations);
    const [first, ...more] = operations;
    if (!first || more.length === 0 || !operations.some(mayTakeName)) return names;
    const there = operations.filter(({ id }) => id !== undefined);
    for (const [endpoint, some] of Map.groupBy(there, o => o.endpoint)) {
      const ids = [...new Set(some.map(({ id = '' }) => id))];
      for (const [id, name] of await namesOf(endpoint, ids))
        names.add(`${endpoint} ${id.toLowerCase()}`, normaliseUserName(name));
    }
    return names;
  }

  /** What no other operation may be about at the same time. */
  subjectsOf(operation: BulkOperation): string[] {
    const resource = resourceOf(operation);
    const names = [...(this.byResource.get(resource) ?? [])].map(
      name => `name ${operation.endpoint} ${name}`,
    );
    return [resource, ...names];
  }

  private add(resource: string, name: string): void {
    const names = this.byResource.get(resource);
    if (names) names.add(name);
    else this.byResource.set(resource, new Set([name]));
  }
}

const resourceOf = ({ endpoint, id, bulkId = '' }: BulkOperation): string =>
  `${endpoint} ${id?.toLowerCase() ?? `bulkId:${bulkId.toLowerCase()}`}`;

const mayTakeName = ({ method, data }: BulkOperation): boolean =>
  method === 'POST' || method === 'PUT' || (method === 'PATCH' && MAY_TAKE_A_NAME.test(JSON.stringify(data)));

/** The names that an operation gives. */
function namesIn({ method, data }: BulkOperation): string[] {
  if (method !== 'PATCH') return textsOf(data);
  const operations = membersSaid(data, ['Operations']).Operations;
  if (!Array.isArray(operations)) return [];
  return operations.flatMap(one => {
    const { path, value } = membersSaid(one, ['path', 'value']);
    if (typeof path !== 'string') return textsOf(value ?? null);
    const isName = NAMES.some(name => `:${path}`.toLowerCase().endsWith(`:${name.toLowerCase()}`));
    return isName && typeof value === 'string' ? [normaliseUserName(value)] : [];
  });
}

function textsOf(data: Json): string[] {
  if (!isObject(data)) return [];
  // A provider may write the URN of the schema before a name.
  const short = Object.entries(data).map(
    ([name, value]) => [name.slice(name.lastIndexOf(':') + 1), value] as const,
  );
  return short.flatMap(([name, value]) =>
    typeof value === 'string' && NAMES.some(known => known.toLowerCase() === name.toLowerCase())
      ? [normaliseUserName(value)]
      : [],
  );
}

/** As {@link membersNamed}; what cannot be read names nothing, and is refused when it is carried out. */
function membersSaid<Name extends string>(data: Json, names: readonly Name[]): Partial<Record<Name, Json>> {
  try {
    return isObject(data) ? membersNamed(data, names) : {};
  } catch {
    return {};
  }
}
