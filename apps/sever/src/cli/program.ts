import { Command, CommanderError } from 'commander';
import { EXIT } from '../sever-error.js';
import { upOptions, type UpFlags } from '../up/up-options.js';
import { addConnectionCommands } from './connection-commands.js';
import { addDemoCommand } from './demo-command.js';
import { addGovernorCommands } from './governor-commands.js';
import { addOperationsCommands } from './operations-commands.js';
import { addOptOutCommands } from './opt-out-commands.js';
import { addPersonCommand } from './person-command.js';
import { addSetupCommands } from './setup-commands.js';
import { addStagedCommands } from './staged-commands.js';
import { guarded } from './output.js';

const common = (command: Command): Command =>
  command
    .option('--data <dir>', 'data folder of the instance', '.sever')
    .option('--json', 'one JSON document on standard output');

/** The command line of Sever. */
export function createProgram(): Command {
  const program = new Command('sever')
    .description('When someone says "remove me", every connected system lets go.')
    .exitOverride();
  common(program.command('up').description('run the pipeline in the foreground'))
    .option('--profile <profile>', 'embedded or kafka', 'embedded')
    .option('--brokers-local <n>', 'size of a local Kafka cluster', '1')
    .option('--port <n>', 'port of the ingress and the REST door; 0 takes any free one', '7070')
    .option('--console-port <n>', 'port of the console, once there is one')
    .option('--governor <on|off>', 'guard against mass deprovisioning', 'on')
    .option('--rate-limit <n|off>', 'requests per second and connection', '100')
    .option('--hold <duration>', 'wait between cut and purge: 10s, 30d, none or never')
    .option('--no-sandbox', 'no seeded people and no bundled systems')
    .option('--instances <file>', 'target systems of your own to connect')
    .option('--ready-file <file>', 'a copy of run.json')
    .action((flags: UpFlags) =>
      guarded(async () => {
        const options = upOptions(flags);
        const { runUp } = await import('../up/run-up.js');
        return runUp(options);
      }),
    );
  addOptOutCommands(program, common);
  addPersonCommand(program, common);
  addStagedCommands(program, common);
  addGovernorCommands(program, common);
  addConnectionCommands(program, common);
  addOperationsCommands(program, common);
  addDemoCommand(program, common);
  addSetupCommands(program);
  return program;
}

/** Runs a command line; wrong usage ends with status 2. */
export async function runCli(argv: readonly string[]): Promise<void> {
  const program = createProgram();
  for (const command of [program, ...program.commands.flatMap(c => [c, ...c.commands])])
    command.exitOverride();
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
  // Nothing else keeps a finished command alive.
  if (argv[2] === 'up') process.exit();
}
