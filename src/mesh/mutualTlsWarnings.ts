import { namespaceOf, objectRef } from '../base/kubernetes.js';
import { isRecord, number, record, records } from './read.js';
import { Receivers, type Sent, type TransportFailure } from './receivers.js';
import type { Cluster, Endpoint, MeshWarning, Place } from './types.js';
import { usedClusters } from './usedClusters.js';
import type { WarningInput } from './warningInput.js';
import { WarningsByHost } from './warningsByHost.js';

type Transport = Pick<Sent, 'cluster' | 'unit'>;

/** Calls that fail because caller and destination do not agree on mutual TLS, and policies that never act. */
export function mutualTlsWarnings(input: WarningInput): MeshWarning[] {
  const { inventory, config, caller } = input;
  const receivers = new Receivers(inventory, caller);
  const gathered = new WarningsByHost();
  const look = (host: string, endpoints: readonly Endpoint[], sent: Transport): void => {
    for (const endpoint of endpoints) {
      const failure = endpoint.ready ? receivers.transportFailure(endpoint, sent) : undefined;
      if (failure) gathered.add(warningFor(failure, sent, host, input), host);
    }
  };
  for (const cluster of usedClusters(input)) {
    look(cluster.host, cluster.endpoints, { cluster, unit: cluster.protocol === 'tcp' ? 'connection' : 'request' });
  }
  if (caller.sidecar === false) {
    for (const { host, endpoints } of config.hidden ?? [])
      look(host, endpoints, { cluster: undefined, unit: 'connection' });
  }
  return [...gathered.warnings(), ...receivers.policies.ignored(), ...servicePorts(input)];
}

function warningFor(
  { cause, how, mode }: TransportFailure,
  { cluster }: Transport,
  host: string,
  input: WarningInput,
): (hosts: string) => MeshWarning {
  const { caller } = input;
  const policy: Place = { object: mode.object ?? '', field: mode.field ?? '' };
  const policyName = `${mode.object} (${mode.field})`;
  const rule = cluster?.tls ? ruleOf(cluster, input) : undefined;
  const written = cluster?.tls?.toUpperCase().replace('-', '_');
  const counted = 'counted by the proxies of the caller alone';
  switch (cause) {
    case 'plain-to-strict': {
      if (caller.sidecar === false) {
        return (hosts) => ({
          code: 'PLAIN_TEXT_TO_STRICT',
          ...policy,
          message: `${caller.workload}.${caller.namespace} has no sidecar and calls in plain text, and the pods of ${hosts} take mutual TLS alone: the connection is reset, which only the client sees; no proxy counts it. Inject a sidecar into ${caller.workload}, or set mode: PERMISSIVE for these pods.`,
        });
      }
      if (rule) {
        return (hosts) => ({
          code: 'TLS_MODE_TO_STRICT',
          ...rule,
          message: `Calls to ${hosts} leave in plain text (${written}), and its pods take mutual TLS alone by ${policyName}: they fail with ${how}, ${counted}. Remove the tls block, so that the mesh chooses by itself, or set mode: ISTIO_MUTUAL.`,
        });
      }
      return (hosts) => ({
        code: 'PLAIN_TEXT_TO_STRICT',
        ...policy,
        message: `The callers' proxies send plain text to ${hosts}, because mutual TLS is off for its namespace or the mesh, and these pods take mutual TLS alone: calls fail with ${how}, ${counted}. Set the mode for the whole namespace, or tls.mode: ISTIO_MUTUAL in a DestinationRule.`,
      });
    }
    case 'foreign-to-strict':
      return (hosts) => ({
        code: 'TLS_MODE_TO_STRICT',
        ...(rule ?? policy),
        message: `Calls to ${hosts} are encrypted with certificates that are not the mesh's (${written}), and its pods take the mesh's mutual TLS alone by ${policyName}: they fail with ${how}, ${counted}. Remove the tls block, or set mode: ISTIO_MUTUAL.`,
      });
    case 'foreign-to-http':
      return (hosts) => ({
        code: 'TLS_MODE_TO_HTTP',
        ...(rule ?? { object: `Service/${host}`, field: '' }),
        message: `Calls to ${hosts} are encrypted with certificates that are not the mesh's (${written}), and the sidecars of its pods expect HTTP or the mesh's mutual TLS on this port: they fail with ${how}, ${counted}. Remove the tls block, or name the port https where the application itself ends TLS.`,
      });
    case 'mutual-to-disabled':
      return (hosts) => ({
        code: 'MUTUAL_TLS_NOT_TAKEN',
        ...(rule ?? policy),
        message: `Calls to ${hosts} use mutual TLS (${written}), and its pods take plain text alone by ${policyName}: they fail with ${how}, ${counted}. Remove the tls block of the rule, or the DISABLE of the policy.`,
      });
    case 'mutual-without-sidecar':
      return (hosts) => ({
        code: 'MUTUAL_TLS_NOT_TAKEN',
        ...(rule ?? { object: `Service/${host}`, field: '' }),
        message: `Calls to ${hosts} use mutual TLS (${written}), and some of its pods have no sidecar to take it: those calls fail with ${how}, ${counted}. Remove the tls block, so that the mesh chooses by endpoint, or inject sidecars.`,
      });
  }
}

/** Where the mode of a cluster's DestinationRule is written. */
function ruleOf({ host, subset, port }: Cluster, { rules }: WarningInput): Place | undefined {
  const rule = rules.get(host);
  if (!rule) return undefined;
  const own = rule.subsets.find(({ name }) => name === subset);
  const levels = [
    ...(own ? [{ object: own.object, policy: own.trafficPolicy, at: `${own.field}.trafficPolicy` }] : []),
    { object: rule.policyObject, policy: rule.trafficPolicy, at: 'spec.trafficPolicy' },
  ];
  for (const { object, policy, at } of levels) {
    const settings = records(policy.portLevelSettings);
    const index = settings.findIndex((each) => number(record(each.port).number) === port && isRecord(each.tls));
    if (index >= 0) return { object: objectRef(object), field: `${at}.portLevelSettings[${index}].tls.mode` };
    if (isRecord(policy.tls)) return { object: objectRef(object), field: `${at}.tls.mode` };
  }
  return undefined;
}

/** Port level modes are of the pods' ports; the number of a Service's port means nothing there. */
function servicePorts({ inventory }: WarningInput): MeshWarning[] {
  const services = [...inventory.services.values()];
  return inventory.snapshot.peerAuthentications.flatMap((policy) =>
    Object.keys(record(policy.spec?.portLevelMtls)).flatMap((key) => {
      const meant = services.find(
        ({ namespace, ports }) =>
          namespace === namespaceOf(policy) &&
          ports.some(({ port, targetPort }) => String(port) === key && String(targetPort) !== key),
      );
      const asTarget = services.some(({ ports }) => ports.some(({ targetPort }) => String(targetPort) === key));
      const target = meant?.ports.find(({ port }) => String(port) === key)?.targetPort;
      if (!meant || asTarget) return [];
      const message = `${key} is a port of the Service ${meant.name}; its pods listen on ${target}, and this mode is for ports of pods. Write ${target}.`;
      return [{ code: 'PORT_OF_SERVICE', object: objectRef(policy), field: `spec.portLevelMtls.${key}`, message }];
    }),
  );
}
