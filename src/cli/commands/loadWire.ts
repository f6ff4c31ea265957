import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { errorText, type Problem } from '../../base/errors.js';
import { type Millis, millis, parsePercent, type Ratio } from '../../base/units.js';
import { LOAD_ENGINES, type LoadEngine, type LoadSpec } from '../../load/types.js';
import { readTextFile } from '../../scenario/text-file.js';
import { wholeNumber } from '../options.js';

const MAX_CA_BYTES = 1_048_576;

/** The options of `load` that say how requests are put on the wire. */
export interface WireFlags {
  readonly timeout: Millis;
  readonly connectTimeout?: Millis;
  readonly firstByteTimeout?: Millis;
  readonly connections?: 'per-user' | 'shared';
  readonly freshConnections?: Ratio;
  readonly followRedirects?: number;
  readonly captureFailures?: number;
  readonly ca?: string;
  readonly insecure: boolean;
  readonly engine: LoadEngine;
  readonly k6?: string;
  readonly script?: string;
}

/** So many failed requests are shown where nothing is said, and the engine can. */
const USUAL_SAMPLES = 3;

/** @param duration parses a duration. */
export function withWireOptions(command: Command, duration: (text: string) => Millis): Command {
  return command
    .addOption(
      new Option('--timeout <time>', 'longest wait for a whole answer')
        .argParser(duration)
        .default(millis(10_000), '10s'),
    )
    .option('--connect-timeout <time>', 'longest wait for a connection, TLS included (default: --timeout)', duration)
    .option(
      '--first-byte-timeout <time>',
      'longest wait for the first byte of an answer, once connected (default: --timeout)',
      duration,
    )
    .addOption(
      new Option(
        '--connections <kind>',
        'per-user: each user keeps one of his own, arrivals share theirs; shared: any that is free (default per-user)',
      ).choices(['per-user', 'shared']),
    )
    .option(
      '--fresh-connections <share>',
      'share of the requests that get a connection of their own, such as 10% (default 0%)',
      percent,
    )
    .addOption(
      new Option(
        '--follow-redirects [n]',
        'follow up to so many redirects of a request, 5 without a number, to the origins of the list only; it counts once, with its last status (default: a redirect is an answer)',
      )
        .argParser(wholeNumber(1, 50))
        .preset('5'),
    )
    .option(
      '--capture-failures <n>',
      `show what came back in the first failed requests (default ${USUAL_SAMPLES}; with --engine undici only why they failed, with k6 none)`,
      wholeNumber(0, 1000),
    )
    .option('--ca <file>', 'https: PEM certificates of the authorities to trust, in place of those that Node knows')
    .option('--insecure', 'https: do not check certificates', false)
    .addOption(
      new Option(
        '--engine <name>',
        "what sends: Node's sockets, the undici library to compare with, or a process of k6 on all cores",
      )
        .choices(LOAD_ENGINES)
        .default('node'),
    )
    .option('--k6 <path>', 'engine k6: the program, 1.0 or newer (default: WEIGHBRIDGE_K6, else k6 on PATH)')
    .option(
      '--script <name|file>',
      'engine k6: replay (default: the load as it is), ramp, spike or soak (the level that is given, in that shape), or a script of your own',
    );
}

/** What the options ask of the wire. Contradictions and what cannot be read are added to `problems`. */
export async function wireSpec(
  flags: WireFlags,
  cwd: string,
  problems: Problem[],
): Promise<
  Pick<
    LoadSpec,
    | 'followRedirects'
    | 'captureFailures'
    | 'timeoutMs'
    | 'connectTimeoutMs'
    | 'firstByteTimeoutMs'
    | 'connections'
    | 'freshShare'
    | 'tls'
    | 'engine'
  >
> {
  const { timeout, connectTimeout, firstByteTimeout, freshConnections, engine, insecure } = flags;
  for (const [option, time] of Object.entries({ timeout, connectTimeout, firstByteTimeout })) {
    const name = `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    if (time === 0) problems.push({ path: name, message: 'must be longer than 0' });
  }
  if (flags.ca !== undefined && insecure) {
    problems.push({ path: '--insecure', message: 'checks nothing, so --ca would mean nothing' });
  }
  for (const [option, value] of Object.entries({ '--k6': flags.k6, '--script': flags.script })) {
    if (value !== undefined && engine !== 'k6') problems.push({ path: option, message: 'is for --engine k6' });
  }
  const ca = flags.ca === undefined ? undefined : await readCertificates(flags.ca, cwd, problems);
  // undici keeps its connections to itself; asked for by name it is refused.
  const connections = flags.connections ?? (engine === 'undici' ? undefined : 'per-user');
  return {
    timeoutMs: timeout,
    engine,
    captureFailures: flags.captureFailures ?? (engine === 'k6' ? 0 : USUAL_SAMPLES),
    tls: { insecure, ...(ca === undefined ? {} : { ca }) },
    ...(connectTimeout === undefined ? {} : { connectTimeoutMs: connectTimeout }),
    ...(firstByteTimeout === undefined ? {} : { firstByteTimeoutMs: firstByteTimeout }),
    ...(flags.followRedirects === undefined ? {} : { followRedirects: flags.followRedirects }),
    ...(connections === undefined ? {} : { connections }),
    ...(freshConnections === undefined ? {} : { freshShare: freshConnections }),
  };
}

async function readCertificates(file: string, cwd: string, problems: Problem[]): Promise<string | undefined> {
  const read = await readTextFile(resolve(cwd, file), file, MAX_CA_BYTES);
  if ('problem' in read) problems.push(read.problem);
  else {
    const certificates = read.text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
    const { X509Certificate } = process.getBuiltinModule('node:crypto');
    try {
      for (const certificate of certificates) new X509Certificate(certificate);
      if (certificates.length > 0) return read.text;
      problems.push({ file, message: 'holds no certificate', hint: 'name a PEM file: -----BEGIN CERTIFICATE-----' });
    } catch (error) {
      problems.push({ file, message: `holds a certificate that cannot be read: ${errorText(error)}` });
    }
  }
  return undefined;
}

function percent(text: string): Ratio {
  const parsed = parsePercent(text);
  if (parsed === undefined) throw new InvalidArgumentError('it must be a share from 0% to 100%');
  return parsed;
}
