import kafkajs, { type AclEntry } from 'kafkajs';
import { withAdmin, type ClientAccess } from '../client.js';
import type { KafkaUser } from './pipeline-users.js';

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;

/** Grants every user what it may do; what is granted already stays as it is. Everything else is refused. */
export async function grantAccess(access: ClientAccess, users: readonly KafkaUser[]): Promise<void> {
  const acl = accessRules(users);
  if (acl.length > 0) await withAdmin(access, admin => admin.createAcls({ acl }));
}

/** The rules that allow users what they may do. */
export const accessRules = (users: readonly KafkaUser[]): AclEntry[] => users.flatMap(rulesOf);

function rulesOf(user: KafkaUser): AclEntry[] {
  const rule = (resourceType: number, resourceName: string, operation: number): AclEntry => ({
    resourceType,
    resourceName,
    resourcePatternType: ResourcePatternTypes.LITERAL,
    principal: `User:${user.name}`,
    host: '*',
    operation,
    permissionType: AclPermissionTypes.ALLOW,
  });
  return [
    ...user.reads.map(topic => rule(AclResourceTypes.TOPIC, topic, AclOperationTypes.READ)),
    ...user.writes.map(topic => rule(AclResourceTypes.TOPIC, topic, AclOperationTypes.WRITE)),
    ...(user.group === undefined ? [] : [rule(AclResourceTypes.GROUP, user.group, AclOperationTypes.READ)]),
  ];
}
