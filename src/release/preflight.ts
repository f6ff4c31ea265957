import { EnvironmentError } from '../base/errors.js';
import { namespaceOf } from '../base/kubernetes.js';
import { ApiError, type ClusterClient } from '../cluster/client.js';
import { podsOfWorkload } from '../cluster/workloads.js';
import { CALLER_ELSEWHERE } from '../scenario/schema-parts.js';
import type { Scenario } from '../scenario/types.js';

const WORKLOADS = ['Deployment', 'StatefulSet', 'DaemonSet'] as const;
const MOST_NAMES = 8;

/**
 * The namespace must be there before anything else: the lease that keeps two runs apart lives in it.
 * @throws EnvironmentError that names the namespaces that there are.
 */
export async function checkNamespace(client: ClusterClient, scenario: Scenario): Promise<void> {
  const { namespace } = scenario;
  const found = await visible(
    client.get({ apiVersion: 'v1', kind: 'Namespace', namespace: undefined, name: namespace }),
  );
  if (!found.allowed || found.value) return;
  const names = (await visible(client.list('v1', 'Namespace'))).value?.map(({ metadata }) => metadata.name);
  throw missing(`${placeOf(client)} has no namespace ${namespace}`, 'namespaces', names, scenario);
}

/**
 * Looks whether the cluster holds what the scenario takes for granted: the Service under release and the workload whose calls are
 * judged, unless a stage applies them. Without them a run would send load for minutes and then have no data. What the credentials do
 * not let it see is not missed.
 * @throws EnvironmentError that names what is missing, what or where there is instead and what to do.
 */
export async function checkTarget(client: ClusterClient, scenario: Scenario): Promise<void> {
  const { namespace, service, from } = scenario;
  const place = `namespace ${namespace} of ${placeOf(client)}`;
  const applied = (kinds: readonly string[], name: string) =>
    scenario.stages.some(({ apply }) =>
      apply.some(
        ({ object: { kind, metadata } }) =>
          kinds.includes(kind) && metadata.name === name && metadata.namespace === namespace,
      ),
    );

  const services = await visible(client.list('v1', 'Service', namespace));
  const serviceNames = services.value?.map(({ metadata }) => metadata.name);
  if (serviceNames && !serviceNames.includes(service) && !applied(['Service'], service))
    throw missing(`${place} has no Service ${service}, which is to be released`, 'Services', serviceNames, scenario);

  if (from === undefined) return;
  const [pods, ...lists] = await Promise.all([
    visible(client.list('v1', 'Pod', namespace)),
    ...WORKLOADS.map((kind) => visible(client.list('apps/v1', kind, namespace))),
  ]);
  if (!pods?.allowed || lists.some(({ allowed }) => !allowed)) return;
  const workloads = lists.flatMap(({ value }) => value ?? []).map(({ metadata }) => metadata.name);
  const runs = podsOfWorkload(pods.value ?? [], namespace, from).length > 0;
  if (workloads.includes(from) || runs || applied(WORKLOADS, from)) return;
  const message = `${place} has no workload ${from}, whose calls are to be judged`;
  const elsewhere = await namespacesWith(client, from);
  if (elsewhere.length === 0) throw missing(message, 'workloads', workloads, scenario);
  throw new EnvironmentError(
    'E_TARGET',
    `${message}; there is one in ${elsewhere.join(', ')}`,
    `${CALLER_ELSEWHERE}; correct ${scenario.file}.`,
  );
}

/** As far as the credentials let us look. */
async function namespacesWith(client: ClusterClient, workload: string): Promise<string[]> {
  const lists = await Promise.all(WORKLOADS.map((kind) => visible(client.list('apps/v1', kind))));
  const found = lists.flatMap(({ value }) => value ?? []).filter(({ metadata }) => metadata.name === workload);
  return [...new Set(found.map(namespaceOf))].sort();
}

const placeOf = (client: ClusterClient): string => `the cluster of context ${client.context} (${client.server})`;

interface Seen<T> {
  /** False: the credentials do not let us look. */
  readonly allowed: boolean;
  readonly value?: T;
}

async function visible<T>(look: Promise<T>): Promise<Seen<T>> {
  try {
    return { allowed: true, value: await look };
  } catch (error) {
    if (error instanceof ApiError && (error.status === 403 || error.status === 401)) return { allowed: false };
    throw error;
  }
}

function missing(message: string, what: string, names: readonly string[] | undefined, scenario: Scenario) {
  const shown = [...(names ?? [])].sort().slice(0, MOST_NAMES);
  const more = (names?.length ?? 0) > shown.length ? ', ...' : '';
  const there = shown.length > 0 ? `${what} there: ${shown.join(', ')}${more}. ` : '';
  return new EnvironmentError(
    'E_TARGET',
    message,
    `${there}Deploy the application first, correct ${scenario.file}, or choose another cluster with --kubeconfig or --context.`,
  );
}
