import type { GroupMove } from './group-moves.js';

/**
 * An event about a person: `connection` is the identity provider's tie through which it came, `connector` the target system's instance
 * that reported it. `group` and `moved` say which group the person joined or left. All ids, never a name.
 */
export type PersonEvent = {
  id: string;
  type: string;
  at: string;
  actor: string;
  connection: string | null;
  connector: string | null;
  optOut: string | null;
  group: string | null;
  moved: GroupMove['moved'] | null;
};
