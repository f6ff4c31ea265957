import { objectRef } from '../base/kubernetes.js';
import { unknownHost } from './hostWarnings.js';
import type { Inventory } from './inventory.js';
import { records, text } from './read.js';
import { ruleHost } from './ruleIndex.js';
import { hostMatches, type Service, serviceRef } from './services.js';
import type { Destination, MeshWarning, Place, Route } from './types.js';
import type { WarningInput } from './warningInput.js';

type Target = Pick<Destination, 'cluster' | 'host' | 'subset' | 'missingStatus'>;

/** Destinations and mirrors that lead nowhere, and weights that cannot act. */
export function destinationWarnings(input: WarningInput): MeshWarning[] {
  const found: MeshWarning[] = [...notHttp(input)];
  for (const { virtualHosts, tcp } of input.config.ports) {
    for (const { destinations = [], source: owner = '', tls = [] } of tcp) {
      for (const { destinations: targets, source } of [{ destinations, source: owner }, ...tls]) {
        for (const target of targets) {
          if (target.field === '') continue;
          found.push(...targetWarnings(target, { object: source, field: target.field }, input, 'connections'));
        }
      }
    }
    for (const route of virtualHosts.flatMap((host) => host.routes)) {
      if (route.action.kind !== 'forward') continue;
      const object = route.source ?? '';
      for (const destination of route.action.destinations) {
        if (destination.field === '') continue;
        found.push(...targetWarnings(destination, { object, field: destination.field }, input, 'requests'));
      }
      for (const mirror of route.mirrors) {
        const problems = targetWarnings(mirror, { object, field: `${route.field}.mirror` }, input, 'copies');
        found.push(...problems.filter((problem) => problem.code === 'SELECTOR_PINS_VERSION'));
        const [problem] = problems;
        if (!problem) continue;
        const message = `Mirrored copies are lost: ${problem.message}`;
        found.push({ code: 'MIRROR_TO_NOWHERE', object, field: `${route.field}.mirror`, message });
      }
      found.push(...weightless(route, object, input), ...overlapping(route, object, input));
    }
  }
  return found;
}

/** What is lost. */
type Lost = 'requests' | 'connections' | 'copies';

/** What becomes of the share of a destination, as a sentence; copies are another matter. */
function outcomeOf(lost: Lost, flag: 'NC' | 'UH', status = 503): string {
  if (lost === 'copies') return '';
  return lost === 'connections'
    ? ` Its connections are closed (${flag}).`
    : ` Its share is answered ${status} ${flag}.`;
}

function targetWarnings(target: Target, place: Place, input: WarningInput, lost: Lost): MeshWarning[] {
  const { config, scope, inventory } = input;
  const service = scope.services.get(target.host);
  const cluster = config.clusters[target.cluster];
  const outcome = outcomeOf(lost, 'NC', target.missingStatus);
  if (!service) {
    if (inventory.services.has(target.host)) {
      const message = `${target.host} is not visible to this client (exportTo or Sidecar).${outcome}`;
      return [{ code: 'HOST_NOT_VISIBLE', ...place, message }];
    }
    const alias = inventory.aliasHosts.get(target.host);
    if (alias) {
      const message = `${alias.fqdn} is an ExternalName without port ${target.cluster.split('|')[1]}, or not visible to this client, so no route leads to it: give it that port, or name ${alias.target}.${outcome}`;
      return [{ code: 'EXTERNAL_NAME_WITHOUT_PORT', ...place, message }];
    }
    const namespace = place.object.split('/')[1] ?? '';
    const written = shorten(target.host, namespace);
    const { code, message } = unknownHost(written, target.host, namespace, inventory);
    return [{ code, ...place, message: `${message}${outcome}` }];
  }
  if (!cluster) {
    const known = input.rules.get(service.fqdn)?.subsets.some((subset) => subset.name === target.subset);
    if (target.subset === '' || known) {
      const port = target.cluster.split('|')[1];
      const ports = service.ports.map((each) => each.port).join(', ') || 'none';
      const message = `${service.fqdn} has no port ${port}, but ${ports}; write destination.port.number.${outcome}`;
      return [{ code: 'PORT_MISSING', ...place, message }];
    }
    return [{ code: 'SUBSET_MISSING', ...place, message: `${missingSubset(target.subset, service, input)}${outcome}` }];
  }
  if (cluster.endpoints.some((endpoint) => endpoint.ready)) return [];
  return [withoutEndpoints(target, service, place, input, lost)];
}

/** Short again when it could have been written short: the same warning fits both spellings. */
const shorten = (host: string, namespace: string): string => {
  const suffix = `.${namespace}.svc.cluster.local`;
  return host.endsWith(suffix) ? host.slice(0, -suffix.length) : host;
};

function missingSubset(subset: string, service: Service, { rules, inventory }: WarningInput): string {
  const used = rules.get(service.fqdn);
  const elsewhere = inventory.snapshot.destinationRules.find(
    (rule) =>
      rule !== used?.object &&
      hostMatches(ruleHost(rule), service.fqdn) &&
      records(rule.spec?.subsets).some((candidate) => text(candidate.name) === subset),
  );
  const base = used
    ? `${objectRef(used.object)}, which this client uses for ${service.fqdn}, has no subset ${subset}.`
    : `No DestinationRule that this client sees defines subset ${subset} of ${service.fqdn}.`;
  return elsewhere ? `${base} ${objectRef(elsewhere)} defines it and is not used for this client.` : base;
}

function withoutEndpoints(
  target: Target,
  service: Service,
  place: Place,
  { rules, inventory }: WarningInput,
  lost: Lost,
): MeshWarning {
  const outcome = outcomeOf(lost, 'UH');
  const subset = rules.get(service.fqdn)?.subsets.find((candidate) => candidate.name === target.subset);
  const pinned = Object.entries(subset?.labels ?? {}).find(
    ([key, value]) => service.selector?.[key] !== undefined && service.selector[key] !== value,
  );
  if (pinned) {
    const [key, value] = pinned;
    return {
      code: 'SELECTOR_PINS_VERSION',
      object: serviceRef(service),
      field: `${service.entry ? 'spec.workloadSelector.labels' : 'spec.selector'}.${key}`,
      message: `The selector pins ${key}: ${service.selector?.[key]}, so no pod of subset ${target.subset} (${key}: ${value}) is behind ${service.entry ? service.fqdn : 'the Service'}; remove that label from the selector.${outcome}`,
    };
  }
  const whole = target.subset === '' || !subset;
  const object = subset ? objectRef(subset.object) : place.object;
  const field = subset ? `${subset.field}.labels` : place.field;
  const some = endpointCount(inventory, service, subset?.labels ?? {}) > 0;
  const who = whole ? `${service.fqdn}` : `subset ${target.subset} of ${service.fqdn}`;
  const why = some ? 'its pods are not ready' : 'no pod carries the labels';
  return {
    code: whole ? 'SERVICE_WITHOUT_ENDPOINTS' : 'SUBSET_WITHOUT_ENDPOINTS',
    object,
    field,
    message: `There is no ready endpoint for ${who}: ${why}.${outcome}`,
  };
}

function endpointCount(inventory: Inventory, service: Service, labels: Readonly<Record<string, string>>): number {
  return service.ports.reduce((sum, port) => sum + inventory.endpoints(service, port, labels).length, 0);
}

function weightless(route: Route, object: string, { scope, caller }: WarningInput): MeshWarning[] {
  if (caller.gateway || route.action.kind !== 'forward' || route.action.destinations.length < 2) return [];
  const headless = route.action.destinations.find((destination) => scope.services.get(destination.host)?.headless);
  if (!headless) return [];
  const message = `${headless.host} is headless: the pod that the client dials answers, weights have no effect.`;
  return [{ code: 'WEIGHTS_WITHOUT_EFFECT', object, field: `${route.field}.route`, message }];
}

function overlapping(route: Route, object: string, { config }: WarningInput): MeshWarning[] {
  if (route.action.kind !== 'forward') return [];
  const pods = new Map<string, { cluster: string; subset: string }>();
  for (const { cluster, host, subset } of route.action.destinations) {
    for (const { pod } of config.clusters[cluster]?.endpoints ?? []) {
      const other = pods.get(`${host} ${pod}`);
      if (other && other.cluster !== cluster && config.clusters[cluster]?.balancing !== 'original-dst') {
        const [a, b] = [other.subset || 'without subset', subset || 'without subset'];
        const message = `The destinations ${a} and ${b} of ${host} share pods, so the share of a version is not its weight.`;
        return [{ code: 'SUBSETS_OVERLAP', object, field: `${route.field}.route`, message }];
      }
      pods.set(`${host} ${pod}`, { cluster, subset });
    }
  }
  return [];
}

/** http rules on TCP ports of a host; those for TLS are meant by tls rules where there are any. */
function notHttp({ owners, scope }: WarningInput): MeshWarning[] {
  return [...owners.services].flatMap(([fqdn, [winner]]) => {
    const service = scope.services.get(fqdn);
    if (!winner || !service || records(winner.spec?.http).length === 0) return [];
    return service.ports
      .filter((port) => port.protocol === 'tcp' && !(port.tls && records(winner.spec?.tls).length > 0))
      .map((port) => ({
        code: 'PORT_NOT_HTTP',
        object: serviceRef(service),
        field: port.field,
        message: `Port ${port.port} (${port.name || 'without name'}) is routed as TCP: the http rules of ${objectRef(winner)} are ignored and connections are balanced over all ${service.entry ? 'endpoints; write protocol: HTTP' : 'ready pods; name it http-… or set appProtocol: http'}.`,
      }));
  });
}
