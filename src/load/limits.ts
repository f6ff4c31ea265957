import { readFileSync } from 'node:fs';
import { ConfigError } from '../base/errors.js';
import { levelsOf, meanThinkTimeMs, peakLevel } from '../scenario/workload.js';
import { modelsOf } from './demand.js';
import type { LoadSpec } from './types.js';

/** A closed connection keeps its local port for this long (Linux, TCP_TIMEWAIT_LEN), s. */
const TIME_WAIT_SECONDS = 60;
/** Files that the process has open whatever it sends: standard streams, loops, threads, reports. */
const OTHER_FILES = 50;

/** What the system lets one process have. Undefined: it does not tell. */
export interface SystemLimits {
  readonly openFiles: number | undefined;
  /** Local ports for connections to one address. */
  readonly localPorts: number | undefined;
}

/** As Linux tells them; Node itself raises the soft limit of open files to the hard one when it starts. */
export function readLimits(): SystemLimits {
  const files = /^Max open files\s+(\d+)/m.exec(read('/proc/self/limits'))?.[1];
  const [low, high] = read('/proc/sys/net/ipv4/ip_local_port_range').trim().split(/\s+/).map(Number);
  return {
    openFiles: files === undefined ? undefined : Number(files),
    localPorts: low && high ? high - low + 1 : undefined,
  };
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

/** What the load will or may run out of, each with its remedy: said before it is sent, because afterwards it is an invalid run. */
export function foreseeableShortages(spec: LoadSpec, limits: SystemLimits): string[] {
  const { users, inFlight, perSecond } = demand(spec);
  const shortages: string[] = [];
  const files = (limits.openFiles ?? Number.POSITIVE_INFINITY) - OTHER_FILES;
  const remedy = (needed: number) => `raise the limit (ulimit -n ${needed + OTHER_FILES})`;
  if (users > files) {
    shortages.push(
      `${users} users need as many sockets, and this process may open ${limits.openFiles} files; ${remedy(users)} or use fewer users`,
    );
  } else if (users + inFlight > files) {
    shortages.push(
      `up to ${users + inFlight} requests may be in flight, and this process may open ${limits.openFiles} files; ${remedy(users + inFlight)} or lower the rate or the timeout`,
    );
  }
  const ports = limits.localPorts ?? Number.POSITIVE_INFINITY;
  const fresh = spec.freshShare ? perSecond * spec.freshShare : 0;
  if (users + fresh * TIME_WAIT_SECONDS > ports) {
    const why =
      fresh === 0
        ? `${users} users need as many local ports`
        : `${Number.isFinite(fresh) ? `about ${Math.ceil(fresh)} new connections a second` : 'new connections without think time'} keep their ports for ${TIME_WAIT_SECONDS} s each`;
    shortages.push(
      `${why}, and there are ${ports} to one address; use fewer new connections, or widen net.ipv4.ip_local_port_range`,
    );
  }
  return shortages;
}

/**
 * When every user keeps a connection of his own, and the process may not have so many.
 * @throws ConfigError: such a load would fail for certain.
 */
export function refuseTooManyUsers(spec: LoadSpec, { openFiles }: SystemLimits): void {
  if (openFiles === undefined || spec.connections !== 'per-user') return;
  const users = Math.min(demand(spec).users, spec.maxRequests ?? Number.POSITIVE_INFINITY);
  if (users + OTHER_FILES <= openFiles) return;
  throw new ConfigError([
    {
      path: '--users',
      message: `${users} users with a connection each need as many sockets, and this process may open ${openFiles} files`,
      hint: `Raise the limit by "ulimit -n ${users + OTHER_FILES}" (its hard limit by root: ulimit -Hn, LimitNOFILE, docker --ulimit nofile), use fewer users, or --connections shared.`,
    },
  ]);
}

/** At the peak of every model, all at once. */
function demand({ model }: LoadSpec): { users: number; inFlight: number; perSecond: number } {
  let users = 0;
  let inFlight = 0;
  let perSecond = 0;
  for (const each of modelsOf(model)) {
    if (each.kind === 'closed') {
      const peak = peakLevel(levelsOf(each));
      users += peak;
      // No answer takes no time, but how long they take is not known before.
      perSecond += (peak * 1000) / meanThinkTimeMs(each.thinkTime);
    } else {
      inFlight += each.maxInFlight;
      if (each.kind === 'open') perSecond += peakLevel(levelsOf(each));
    }
  }
  return { users, inFlight, perSecond };
}
