import { ConfigError, type Problem } from '../../base/errors.js';
import type { LoadSpec } from '../../load/types.js';
import type { Recording } from '../../load/workload/recording.js';
import { readRecording } from '../../load/workload/recordingFile.js';
import type { ReplayModel } from '../../load/workload/replay.js';
import type { UriEntry, UriOrder } from '../../scenario/types.js';
import { readUriFile } from '../../scenario/uri-file.js';
import { describeModel } from '../../scenario/workload.js';
import type { Io } from '../io.js';
import { type MarkerFlags, markerSpec } from './loadMarker.js';
import { type WireFlags, wireSpec } from './loadWire.js';
import { checkReplay, MOST_IN_FLIGHT, type Refuse, type WorkloadFlags, workloadOf } from './loadWorkload.js';

/** The options of `load` as they were given. */
export interface LoadFlags extends WorkloadFlags, WireFlags, MarkerFlags {
  readonly uris?: string;
  readonly baseUrl?: string;
  /** Values of `{name}` in URIs. */
  readonly set?: Readonly<Record<string, string>>;
  readonly order: UriOrder;
  readonly seed?: number;
  readonly workers?: number;
  readonly precise: boolean;
  readonly json: boolean;
}

/** @throws ConfigError with every contradiction between the options, and every fault of the URI list. */
export async function loadSpec(url: string | undefined, flags: LoadFlags, seed: number, io: Io): Promise<LoadSpec> {
  const problems: Problem[] = [];
  const refuse: Refuse = (path, message, hint) => problems.push({ path, message, ...(hint ? { hint } : {}) });
  if (url !== undefined && flags.uris !== undefined) refuse('--uris', 'a URL and a URI list exclude each other');
  if (url !== undefined && flags.baseUrl !== undefined) refuse('--base-url', 'is for the paths of --uris or --replay');
  checkReplay(flags, refuse);
  const variables = Object.keys(flags.set ?? {});
  const recording =
    flags.replay === undefined ? undefined : await readReplay(flags.replay, variables, io.cwd, problems);
  const { model, durationMs } = recording
    ? { model: replayOf(flags.replay ?? '', recording, flags), durationMs: flags.duration }
    : workloadOf(flags, problems);
  const listed = flags.uris === undefined ? single(url) : await readUris(flags.uris, variables, io.cwd, problems);
  const uris = recording?.uris ? recording.entries : listed;
  if (recording?.uris && (url ?? flags.uris) !== undefined) {
    refuse('--replay', 'the recording names its own URIs', 'say what they are below by --base-url');
  }
  if (uris.length === 0 && problems.length === 0) {
    refuse('load', 'nothing to ask for', 'give a URL, or --uris FILE with --base-url URL');
  }
  if (flags.baseUrl === undefined && url === undefined && uris.some(({ target }) => target.startsWith('/'))) {
    const file = recording?.uris ? flags.replay : flags.uris;
    refuse('--base-url', `${file} holds paths`, 'say what they are below, such as http://localhost:7005');
  }
  const wire = await wireSpec(flags, io.cwd, problems);
  const told = markerSpec(flags, refuse);
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    baseUrl: flags.baseUrl ?? url ?? uris[0]?.target ?? '',
    uris,
    variables: flags.set ?? {},
    model,
    order: flags.order,
    seed,
    precise: flags.precise,
    ...(flags.workers === undefined ? {} : { workers: flags.workers }),
    ...wire,
    ...told,
    ...(durationMs === undefined ? {} : { durationMs }),
    ...(flags.requests === undefined ? {} : { maxRequests: flags.requests }),
  };
}

const single = (url: string | undefined): UriEntry[] =>
  url === undefined ? [] : [{ method: 'GET', target: url, headers: {}, line: 0 }];

async function readUris(
  file: string,
  variables: readonly string[],
  cwd: string,
  problems: Problem[],
): Promise<readonly UriEntry[]> {
  const list = await readUriFile(cwd, file, variables);
  if ('unread' in list) {
    problems.push(list.unread);
    return [];
  }
  problems.push(...list.problems);
  return list.entries;
}

async function readReplay(
  file: string,
  variables: readonly string[],
  cwd: string,
  problems: Problem[],
): Promise<Recording | undefined> {
  try {
    return await readRecording(cwd, file, variables);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
    return undefined;
  }
}

function replayOf(file: string, { times, uris }: Recording, { speed = 1, maxInFlight }: LoadFlags): ReplayModel {
  const base = { kind: 'replay', file, times, speed, maxInFlight: maxInFlight ?? MOST_IN_FLIGHT } as const;
  return uris ? { ...base, uris } : base;
}

/** The plan in one line, before anything is sent. */
export function describeLoad({ model, uris, durationMs, maxRequests }: LoadSpec): string {
  const what = uris.length === 1 ? (uris[0]?.target ?? '') : `${uris.length} URIs`;
  const how = model.kind === 'replay' ? describeReplay(model) : describeModel(model);
  const ends = [
    ...(durationMs === undefined ? [] : [`for ${durationMs / 1000} s`]),
    ...(maxRequests === undefined ? [] : [`at most ${maxRequests} requests`]),
  ];
  return `${what}: ${[how, ...ends].join(', ')}`;
}

function describeReplay({ file, times, speed }: ReplayModel): string {
  const seconds = (times[times.length - 1] ?? 0) / 1000 / speed;
  return `${times.length} arrivals of ${file} in ${Number(seconds.toFixed(3))} s${speed === 1 ? '' : `, ${speed} times as fast as recorded`}`;
}
