import { type KubeObject, objectRef } from '../base/kubernetes.js';
import { clustersOf } from './clusters.js';
import { withDelegates } from './delegates.js';
import { type AppliedRule, destinationRuleFor } from './destinationRules.js';
import { gatewayPorts } from './gateway.js';
import { inventoryOf } from './inventory.js';
import { scopeOf } from './scope.js';
import { hiddenService, sidecarPorts } from './sidecarPorts.js';
import type { Caller, Cluster, MeshObjects, MeshWarning, ProxyConfig } from './types.js';
import { gatewaysOf, httpRules, ownersOf, type RulesOf } from './virtualServices.js';
import { warningsOf } from './warnings.js';

/**
 * What Istio's control plane makes of the objects for one proxy: routes, clusters and endpoints.
 * The result depends on nothing but the arguments. Work that all proxies share is done once per `objects` array,
 * so the array must not be changed afterwards: a new state of the cluster is a new array.
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
  const clusters: Record<string, Cluster> = {};
  const rules = new Map<string, AppliedRule>();
  for (const service of scope.services.values()) {
    const rule = destinationRuleFor(service, caller, inventory, settings.rootNamespace);
    if (rule) rules.set(service.fqdn, rule);
    for (const cluster of clustersOf(service, rule, inventory)) clusters[cluster.name] = cluster;
  }
  const rulesOf = ruleReader(inventory.virtualServices, warn);
  const context = { caller, services: scope.services, defaultRetries: settings.defaultRetries, warn };
  const mesh = scope.virtualServices.filter((object) => gatewaysOf(object).includes('mesh'));
  const owners = ownersOf(caller.gateway ? [] : mesh, scope.services);
  const ports = caller.gateway
    ? gatewayPorts(inventory, caller, scope.virtualServices, rulesOf, context)
    : sidecarPorts(owners, rulesOf, inventory.attachments, context);
  const unknownHosts = caller.gateway ? ('not-found' as const) : scope.unknownHosts;
  const config = { ports, clusters, unknownHosts };
  const hidden = caller.gateway ? [] : scope.hidden.flatMap((service) => hiddenService(service, caller, inventory));
  let all: readonly MeshWarning[] | undefined;
  return {
    ...config,
    ...(hidden.length > 0 ? { hidden } : {}),
    // Proxies never look at warnings: they cost as much as the rest, so they are made when somebody asks.
    get warnings() {
      if (!all) {
        for (const warning of warningsOf({ inventory, scope, owners, rules, config, caller })) warn(warning);
        all = [...warnings.values()];
      }
      return all;
    },
  };
}

function ruleReader(all: readonly KubeObject[], warn: (warning: MeshWarning) => void): RulesOf {
  const known = new Map<KubeObject, ReturnType<RulesOf>>();
  return (object) => {
    let rules = known.get(object);
    if (!rules) {
      rules = withDelegates(httpRules(object), all, ({ rule, reason }) =>
        warn({
          code: 'DELEGATE_DROPPED',
          object: objectRef(rule.object),
          field: `${rule.field}.delegate`,
          message: `The rule is dropped and the next ones apply: ${reason}.`,
        }),
      );
      known.set(object, rules);
    }
    return rules;
  };
}
