import { type KubeObject, namespaceOf } from '../base/kubernetes.js';
import { clustersOf } from './clusters.js';
import { type AppliedRule, destinationRulesFor } from './destinationRules.js';
import { gatewayPorts } from './gateway.js';
import { type Inventory, inventoryOf } from './inventory.js';
import { type Localities, localitiesOf } from './localities.js';
import { perObject, Rounds } from './memo.js';
import { type Scope, scopeOf } from './scope.js';
import type { Service } from './services.js';
import { hiddenAlias, hiddenService } from './sidecarConnections.js';
import { sidecarPorts } from './sidecarPorts.js';
import type { Caller, Cluster, HiddenService, MeshObjects, MeshWarning, ProxyConfig } from './types.js';
import { gatewaysOf, ownersOf } from './virtualServices.js';
import { warningsOf } from './warnings.js';

/**
 * What Istio's control plane makes of the objects for one proxy: routes, clusters and endpoints.
 * The result depends on nothing but the arguments. Work that all proxies share is done once per `objects` array, so the array must not be
 * changed afterwards: a new state of the cluster is a new array. Hosts that a change does not concern keep their very objects, so the next
 * compilation for the same caller costs little more than what has changed.
 */
export function compileProxyConfig(objects: MeshObjects, caller: Caller): ProxyConfig {
  const inventory = inventoryOf(objects);
  const { settings } = inventory;
  const scope = scopeOf(inventory, caller);
  const warnings = new Map<string, MeshWarning>();
  const warn = (warning: MeshWarning): void => {
    const key = [warning.code, warning.object, warning.field, warning.message].join('\n');
    if (!warnings.has(key)) warnings.set(key, warning);
  };
  const rounds = roundsOf(caller);
  rounds.begin(settings, {
    services: scope.services,
    aliases: scope.aliasHosts,
    virtualServices: { get: (key) => byKey(inventory.virtualServices).get(key) },
  });
  const rules = rounds.value('rules', '', [scope.services, inventory.destinationRules], () =>
    destinationRulesFor(scope.services, caller, inventory.destinationRules),
  );
  const clusters = clustersFor(scope.services, rules, inventory, caller, rounds);
  const mesh = scope.virtualServices.filter((object) => gatewaysOf(object).includes('mesh'));
  const owners = rounds.value('owners', '', [scope.callable, scope.aliasHosts, mesh], () =>
    ownersOf(caller.gateway ? [] : mesh, new Map<string, unknown>([...scope.callable, ...scope.aliasHosts])),
  );
  const context = { caller, settings, scope, owners, rounds, warn };
  const ports = caller.gateway ? gatewayPorts(inventory, context) : sidecarPorts(inventory, context);
  const unknownHosts = caller.gateway ? ('not-found' as const) : scope.unknownHosts;
  const config = { ports, clusters, unknownHosts };
  const hidden = caller.gateway ? [] : hiddenFrom(caller, scope, inventory, rounds);
  rounds.end();
  let all: readonly MeshWarning[] | undefined;
  return {
    ...config,
    ...(hidden.length > 0 ? { hidden } : {}),
    // Proxies never look at warnings: they cost as much as the rest, so they are made when somebody asks.
    get warnings() {
      if (!all) {
        for (const warning of warningsOf({ inventory, scope, owners, rules, config: { ...config, hidden }, caller }))
          warn(warning);
        all = [...warnings.values()];
      }
      return all;
    },
  };
}

function hiddenFrom(caller: Caller, scope: Scope, inventory: Inventory, rounds: Rounds): HiddenService[] {
  const services = [...scope.hidden, ...unrouted(scope.callable)].flatMap((service) => {
    const known = scope.callable.has(service.fqdn);
    const inputs = [service, known, inventory.backings.get(service.fqdn)];
    const ports = known ? (service.unrouted ?? []) : [...service.ports, ...(service.unrouted ?? [])];
    return rounds.value('hidden', service.fqdn, inputs, () => hiddenService(service, ports, caller, inventory));
  });
  const aliases = [...scope.aliases].flatMap(([host, known]) => {
    const service = scope.callable.get(host);
    const others = inventory.aliases.get(host)?.filter((alias) => !known.includes(alias)) ?? [];
    return service ? others.flatMap((alias) => hiddenAlias(alias, service, caller, inventory)) : [];
  });
  return [...services, ...aliases];
}

function clustersFor(
  services: ReadonlyMap<string, Service>,
  rules: ReadonlyMap<string, AppliedRule>,
  inventory: Inventory,
  caller: Caller,
  rounds: Rounds,
): Readonly<Record<string, Cluster>> {
  const localities = caller.locality === undefined ? undefined : localitiesOf(inventory.snapshot);
  const place = { locality: caller.locality, labels: caller.labels, localities: localities ?? NOWHERE };
  const parts: (readonly Cluster[])[] = [];
  for (const [host, service] of services) {
    const rule = rules.get(host);
    const inputs = [service, rule, inventory.backings.get(host), localities];
    parts.push(rounds.value('clusters', host, inputs, () => clustersOf(service, rule, inventory, caller, place)));
  }
  return rounds.value('clusters', '', parts, () => {
    const clusters: Record<string, Cluster> = {};
    for (const own of parts) for (const cluster of own) clusters[cluster.name] = cluster;
    return clusters;
  });
}

const NOWHERE: Localities = new Map();

const byKey = perObject(
  (virtualServices: readonly KubeObject[]): ReadonlyMap<string, KubeObject> =>
    new Map(virtualServices.map((object) => [`${namespaceOf(object)}/${object.metadata.name}`, object])),
);

const unrouted = (services: ReadonlyMap<string, Service>): Service[] =>
  [...services.values()].filter((service) => service.unrouted !== undefined);

/** The last values of each caller, the caller that was compiled longest ago first. */
const kept = new Map<string, Rounds>();
const MOST_VALUES_KEPT = 50_000;

function roundsOf({ workload, namespace, labels, gateway, sidecar, locality }: Caller): Rounds {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  const key = JSON.stringify([workload, namespace, gateway, sidecar, locality, sorted]);
  const rounds = kept.get(key) ?? new Rounds();
  kept.delete(key);
  kept.set(key, rounds);
  let values = 0;
  for (const [other, { size }] of [...kept].reverse()) {
    values += size;
    if (values > MOST_VALUES_KEPT && other !== key) kept.delete(other);
  }
  return rounds;
}
