import type { Command } from 'commander';
import { EXIT, type ExitStatus } from '../sever-error.js';
import { guarded, print } from './output.js';

type SetupFlags = { secrets: string; instances?: string; json?: boolean };
type SecretsFlags = SetupFlags & { kafka: boolean };

/** Preparing a database and secrets of one's own, for processes that `sever up` does not run. */
export function addSetupCommands(program: Command): void {
  program
    .command('setup')
    .description('prepare the database of DATABASE_URL: schema, roles, logins, topics, instances')
    .option('--secrets <dir>', 'folder of the shared secrets', '/run/secrets')
    .option('--instances <file>', 'target systems to register')
    .option('--json', 'one JSON document on standard output')
    .action((flags: SetupFlags) => guarded(() => setup(flags)));
  program
    .command('secrets')
    .description('make the secrets that are missing in a folder')
    .requiredOption('--secrets <dir>', 'folder of the shared secrets')
    .option('--instances <file>', 'target systems whose connectors need a login')
    .option('--no-kafka', 'no users and certificates for Kafka')
    .option('--json', 'one JSON document on standard output')
    .action((flags: SecretsFlags) => guarded(() => secrets(flags)));
}

async function setup(flags: SetupFlags): Promise<ExitStatus> {
  const { runSetup } = await import('../setup/run-setup.js');
  const report = await runSetup({ secretsDir: flags.secrets, instancesFile: flags.instances });
  print({ data: '', json: flags.json }, report, r =>
    [
      `schema up to date (${r.migrations} changes), logins ${r.logins.join(', ')}`,
      ...(r.kafkaUsers.length > 0 ? [`access rules on Kafka for ${r.kafkaUsers.join(', ')}`] : []),
      ...r.instances.map(i => `instance ${i.id} (${i.system}) for ${i.tenants.join(', ') || 'nobody'}`),
      ...r.unlisted.map(id => `instance ${id} is registered and not in the file; it stays as it is`),
      ...r.warnings.map(text => `warning: ${text}`),
    ].join('\n'),
  );
  return EXIT.ok;
}

async function secrets(flags: SecretsFlags): Promise<ExitStatus> {
  const { makeSecrets } = await import('../setup/make-secrets.js');
  const report = await makeSecrets({
    dir: flags.secrets,
    instancesFile: flags.instances,
    kafka: flags.kafka,
  });
  print({ data: '', json: flags.json }, report, r =>
    [
      r.made.length > 0 ? `made ${r.made.join(', ')} in ${r.dir}` : `nothing was missing in ${r.dir}`,
      ...r.yours.map(name => `yours to add: ${name}`),
    ].join('\n'),
  );
  return EXIT.ok;
}
