import { ConfigError, type Problem } from '../../base/errors.js';
import type { LoadSpec } from '../../load/types.js';
import type { UriEntry, UriOrder } from '../../scenario/types.js';
import { readUriFile } from '../../scenario/uri-file.js';
import { describeModel } from '../../scenario/workload.js';
import type { Io } from '../io.js';
import { type MarkerFlags, markerSpec } from './loadMarker.js';
import { type WireFlags, wireSpec } from './loadWire.js';
import { type WorkloadFlags, workloadOf } from './loadWorkload.js';

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
  const refuse = (path: string, message: string, hint?: string) =>
    problems.push({ path, message, ...(hint ? { hint } : {}) });
  if (url === undefined && flags.uris === undefined) {
    refuse('load', 'nothing to ask for', 'give a URL, or --uris FILE with --base-url URL');
  }
  if (url !== undefined && flags.uris !== undefined) refuse('--uris', 'a URL and a URI list exclude each other');
  if (url !== undefined && flags.baseUrl !== undefined) refuse('--base-url', 'is for the paths of --uris');
  const { model, durationMs } = workloadOf(flags, problems);
  const uris =
    flags.uris === undefined ? single(url) : await readUris(flags.uris, Object.keys(flags.set ?? {}), io.cwd, problems);
  if (flags.baseUrl === undefined && flags.uris !== undefined && uris.some(({ target }) => target.startsWith('/'))) {
    refuse('--base-url', `${flags.uris} holds paths`, 'say what they are below, such as http://localhost:7005');
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

/** The plan in one line, before anything is sent. */
export function describeLoad({ model, uris, durationMs, maxRequests }: LoadSpec): string {
  const what = uris.length === 1 ? (uris[0]?.target ?? '') : `${uris.length} URIs`;
  const how = model.kind === 'replay' ? '' : describeModel(model);
  const ends = [
    durationMs === undefined ? [] : [`for ${durationMs / 1000} s`],
    maxRequests === undefined ? [] : [`at most ${maxRequests} requests`],
  ].flat();
  return `${what}: ${how}, ${ends.join(', ')}`;
}
