import { pipelineUsers } from '@sever/kafka-cluster';

/** Commands of Kafka's own tool that grant what `sever setup` grants, for brokers on which it may not be the administrator. */
export function accessReference(): string {
  const allow = (user: string, operation: string, rest: readonly string[]): string =>
    `kafka-acls.sh $ADMIN --add --allow-principal User:${user} --operation ${operation} ${rest.join(' ')}`;
  const topics = (names: readonly string[]): string[] => names.map(name => `--topic ${name}`);
  const commands = pipelineUsers(['INSTANCE']).flatMap(u => [
    ...(u.reads.length > 0 ? [allow(u.name, 'Read', topics(u.reads))] : []),
    ...(u.group === undefined ? [] : [allow(u.name, 'Read', [`--group ${u.group}`])]),
    ...(u.writes.length > 0 ? [allow(u.name, 'Write', topics(u.writes))] : []),
  ]);
  return ['```sh', ...commands, '```'].join('\n');
}
