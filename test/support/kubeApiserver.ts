import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../src/base/kubernetes.js';
import { httpRequest } from '../../src/cluster/http.js';
import { freePort } from './load.js';
import { findPeer, peerPath } from './peers.js';
import { startProgram } from './programs.js';
import { type RealServer, startRealServer } from './realServer.js';

const TOKEN = 'admin-token';
const READER_TOKEN = 'reader-token';
const READY_MS = 60_000;

/** `kill` leaves its etcd alone. */
export interface RealApiServer extends RealServer {
  /** Path of a kubeconfig with an administrator's token. */
  readonly kubeconfig: string;
  /** One of the user `reader`, who may do what is granted to him. */
  readonly readerKubeconfig: string;
  readonly headers: Readonly<Record<string, string>>;
  /** For requests of any kind: the server's certificate is its own. */
  readonly agent: https.Agent;
}

/** True when kube-apiserver, etcd and the definitions are here; else one line each says what is skipped. */
export const hasKubernetes = (): boolean =>
  (['kube-apiserver', 'etcd', 'crds'] as const).map((name) => findPeer(name) !== undefined).every((found) => found);

/** The custom resource definitions of the newest Istio and of the Gateway API that are installed. */
export function customResourceDefinitions(): KubeObject[] {
  const folder = peerPath('crds') ?? '';
  const files = readdirSync(folder).sort();
  const newest = [
    files.findLast((name) => name.startsWith('istio-')),
    files.findLast((name) => name.startsWith('gateway-api-')),
  ];
  return newest.flatMap((name) => definitionsOf(join(folder, name ?? '')));
}

export const definitionsOf = (file: string): KubeObject[] =>
  parseAllDocuments(readFileSync(file, 'utf8')).flatMap((document) => {
    const object = document.toJS() as KubeObject | null;
    return object?.kind === 'CustomResourceDefinition' ? [object] : [];
  });

/** A kube-apiserver over an etcd of its own, on free ports of loopback: no controllers, no kubelet, no admission of service accounts. */
export async function startRealApiServer(): Promise<RealApiServer> {
  const [etcdBinary, binary] = [peerPath('etcd'), peerPath('kube-apiserver')];
  if (!etcdBinary || !binary) throw new Error('etcd or kube-apiserver is not installed');
  const folder = mkdtempSync(join(tmpdir(), 'weighbridge-kubernetes-'));
  const [client, peer, port] = [await freePort(), await freePort(), await freePort()];
  const at = (number: number) => `http://127.0.0.1:${number}`;
  const etcd = startProgram(etcdBinary, [
    ...['--data-dir', join(folder, 'etcd'), '--listen-client-urls', at(client), '--advertise-client-urls', at(client)],
    ...['--listen-peer-urls', at(peer), '--initial-advertise-peer-urls', at(peer)],
    ...['--initial-cluster', `default=${at(peer)}`, '--unsafe-no-fsync'],
  ]);
  const keys = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const [privateKey, publicKey] = [file('sa.key', keys.privateKey), file('sa.pub', keys.publicKey)];
  const tokens = file('tokens.csv', `${TOKEN},admin,1,"system:masters"\n${READER_TOKEN},reader,2\n`);
  const url = `https://127.0.0.1:${port}`;
  const kubeconfigOf = (name: string, token: string) =>
    file(
      name,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name: 'real', cluster: { server: url, 'insecure-skip-tls-verify': true } }],
        users: [{ name: 'user', user: { token } }],
        contexts: [{ name: 'real', context: { cluster: 'real', user: 'user', namespace: 'default' } }],
        'current-context': 'real',
      }),
    );
  const kubeconfig = kubeconfigOf('kubeconfig', TOKEN);
  const readerKubeconfig = kubeconfigOf('kubeconfig-reader', READER_TOKEN);
  const headers = { authorization: `Bearer ${TOKEN}` };
  const agent = new https.Agent({ rejectUnauthorized: false, keepAlive: false });
  const asked = { headers, agent, timeoutMs: 2000 };
  const server = await startRealServer({
    name: 'kube-apiserver',
    program: binary,
    args: [
      ...['--etcd-servers', at(client), '--bind-address', '127.0.0.1', '--advertise-address', '127.0.0.1'],
      ...['--secure-port', String(port), '--cert-dir', join(folder, 'certificates')],
      ...['--service-account-issuer', 'https://kubernetes.default.svc'],
      ...['--service-account-signing-key-file', privateKey, '--service-account-key-file', publicKey],
      ...['--token-auth-file', tokens, '--authorization-mode', 'RBAC', '--endpoint-reconciler-type', 'none'],
      ...['--service-cluster-ip-range', '10.96.0.0/16', '--disable-admission-plugins', 'ServiceAccount'],
    ],
    url,
    ready: async () => (await httpRequest(new URL(`${url}/readyz`), asked)).status === 200,
    patienceMs: READY_MS,
    after: async () => {
      await etcd.stop('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  });
  return { ...server, kubeconfig, readerKubeconfig, headers, agent };
}
