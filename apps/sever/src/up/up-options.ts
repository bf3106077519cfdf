import { durationSeconds } from '@sever/config';
import { EXIT, SeverError } from '../sever-error.js';

/** Options of `sever up` as commander gives them. */
export type UpFlags = {
  profile: string;
  brokersLocal: string;
  data: string;
  port: string;
  governor: string;
  rateLimit: string;
  hold?: string;
  sandbox: boolean;
  instances?: string;
  readyFile?: string;
  json?: boolean;
};

/** Checked options of `sever up`. */
export type UpOptions = {
  profile: 'embedded' | 'kafka';
  /** Size of the local cluster, where KAFKA_BROKERS names no other. */
  brokersLocal: 1 | 3;
  dataDir: string;
  port: number;
  governor: 'on' | 'off';
  rateLimit: string;
  hold: string;
  sandbox: boolean;
  /** File of target systems to register and connect. */
  instancesFile: string | undefined;
  readyFile: string | undefined;
  json: boolean;
};

const usage = (message: string): SeverError => new SeverError('usage', message, EXIT.usage);

/** @throws SeverError `usage` naming the wrong option */
export function upOptions(flags: UpFlags): UpOptions {
  const { profile, brokersLocal } = logOptions(flags);
  if (flags.governor !== 'on' && flags.governor !== 'off') throw usage('--governor is on or off');
  if (flags.rateLimit !== 'off' && !/^[1-9][0-9]*$/.test(flags.rateLimit))
    throw usage('--rate-limit is a positive number or off');
  const port = Number(flags.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw usage('--port is a number from 0 to 65535');
  const hold = flags.hold ?? (flags.sandbox ? '10s' : '30d');
  if (hold !== 'none' && hold !== 'never' && !durationSeconds.safeParse(hold).success)
    throw usage('--hold is a duration such as 10s, 5m or 30d, or none, or never');
  return {
    profile,
    brokersLocal,
    dataDir: flags.data,
    port,
    governor: flags.governor,
    rateLimit: flags.rateLimit,
    hold,
    sandbox: flags.sandbox,
    instancesFile: flags.instances,
    readyFile: flags.readyFile,
    json: flags.json ?? false,
  };
}

function logOptions({ profile, brokersLocal }: UpFlags): Pick<UpOptions, 'profile' | 'brokersLocal'> {
  if (profile !== 'embedded' && profile !== 'kafka')
    throw usage(`--profile is embedded or kafka, not ${profile}`);
  if (brokersLocal !== '1' && brokersLocal !== '3') throw usage('--brokers-local is 1 or 3');
  return { profile, brokersLocal: brokersLocal === '1' ? 1 : 3 };
}
