/** Variables that every process of the pipeline gets from the one that starts it; nothing else is passed on. */
const PASSED_ON = [
  'PATH',
  'TZ',
  'LANG',
  'NODE_EXTRA_CA_CERTS',
  'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  'SEVER_CUT_DEADLINE',
  'SEVER_FAILPOINT',
  'SEVER_LOG_LEVEL',
  'SEVER_REVERIFY',
] as const;

/** What a child process inherits: no secrets of the caller's shell. */
export function inheritedEnvironment(env: NodeJS.ProcessEnv = process.env): Record<string, string> {
  return Object.fromEntries(PASSED_ON.flatMap(name => (env[name] === undefined ? [] : [[name, env[name]]])));
}
