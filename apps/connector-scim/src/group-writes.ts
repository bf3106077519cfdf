import { groupPath, type Call, type ScimClient, type WriteAnswer } from './client.js';
import { patchOrPut } from './patch-or-put.js';
import { GROUP_SCHEMA, type ScimGroup } from './resources.js';

type Change = {
  operation: (id: string) => object;
  members: (now: NonNullable<ScimGroup['members']>, id: string) => NonNullable<ScimGroup['members']>;
};

/** RFC 7644 and the IPSIE profile: the filter in the path says whom, no value beside it. */
const LEAVE: Change = {
  operation: id => ({ op: 'remove', path: `members[value eq ${JSON.stringify(id)}]` }),
  members: (now, id) => now.filter(member => member.value !== id),
};

const JOIN: Change = {
  operation: id => ({ op: 'add', path: 'members', value: [{ value: id }] }),
  members: (now, id) => [...now, { value: id }],
};

export const leaveGroup = (client: ScimClient, group: string, user: string, ctx: Call) =>
  change(client, group, user, LEAVE, ctx);
export const joinGroup = (client: ScimClient, group: string, user: string, ctx: Call) =>
  change(client, group, user, JOIN, ctx);

function change(
  client: ScimClient,
  group: string,
  user: string,
  how: Change,
  ctx: Call,
): Promise<WriteAnswer> {
  return patchOrPut(
    client,
    () => client.patch(groupPath(group), [how.operation(user)], ctx),
    async () => {
      const now = await client.readGroup(group, ctx);
      if (now.kind !== 'Group') return now;
      const members = how.members(now.group.members ?? [], user);
      return client.put(groupPath(group), { ...now.group, members }, GROUP_SCHEMA, ctx);
    },
    ctx,
  );
}
