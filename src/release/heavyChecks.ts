import { EnvironmentError } from '../base/errors.js';
import { ApiError, type ClusterClient } from '../cluster/client.js';
import { TEST_RUN } from '../load/k6/testRun.js';
import type { HeavyDeps } from './heavyTypes.js';

/** @throws EnvironmentError when the cluster does not know TestRuns. */
export async function checkOperator(client: ClusterClient): Promise<void> {
  await client.check();
  if (await client.serves(TEST_RUN.apiVersion, TEST_RUN.kind)) return;
  throw new EnvironmentError(
    'E_OPERATOR',
    `the cluster of context ${client.context} (${client.server}) has no k6-operator: it does not know ${TEST_RUN.kind} of ${TEST_RUN.apiVersion}`,
    'install it: helm repo add grafana https://grafana.github.io/helm-charts && helm install k6-operator grafana/k6-operator; without it leave --target cluster out, then k6 runs on this machine',
  );
}

export async function checkNamespace(client: ClusterClient, name: string): Promise<void> {
  try {
    if (await client.get({ apiVersion: 'v1', kind: 'Namespace', namespace: undefined, name })) return;
  } catch (error) {
    // Who may not look may still be allowed to create there.
    if (error instanceof ApiError && error.status === 403) return;
    throw error;
  }
  throw new EnvironmentError(
    'E_NAMESPACE',
    `the cluster of context ${client.context} has no namespace ${name}`,
    'create it, or name another for the runners with --namespace',
  );
}

/** @throws EnvironmentError when Prometheus cannot be read, or says that it takes no remote writes. */
export async function checkReceiver({ prometheus, signal, emit }: HeavyDeps): Promise<void> {
  const flag = await prometheus.flag('web.enable-remote-write-receiver', signal);
  if (flag === 'false') {
    throw new EnvironmentError(
      'E_REMOTE_WRITE',
      `Prometheus at ${prometheus.address} takes no remote writes, and runners could not tell what they count`,
      'start it with --web.enable-remote-write-receiver (Helm: server.extraFlags; Istio’s add-on: an argument of its container), or name another with --prometheus-url and --prometheus-write-url',
    );
  }
  await prometheus.serverTimeMs(signal);
  if (flag === undefined) emit({ type: 'note', text: 'Prometheus does not tell whether it takes remote writes' });
}
