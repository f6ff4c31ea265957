import { ConfigError } from '../base/errors.js';
import { type KubeObject, objectRef } from '../base/kubernetes.js';
import { callsOfImage } from '../lab/apps/samples.js';
import { PLAIN } from '../mesh/examples.js';
import { atEach } from '../mesh/places.js';
import { record, records, text } from '../mesh/read.js';
import { type CallerChoice, callersOf, otherWorkloads, type Release, releasesOf } from '../mesh/releases.js';
import type { Proposal, ProposedStage } from '../scenario/scaffoldObjects.js';
import { type ExplainDocument, explain } from './explainDocument.js';
import { placedCallers } from './explainInput.js';
import { type GatewayCaller, gatewayCallers, routedInMesh } from './initGateway.js';
import { startObjects } from './initObjects.js';
import { splitter } from './initRoutes.js';

/** What the person said; what is left out is found in the objects. */
export interface Wishes {
  readonly service?: string | undefined;
  readonly from?: string | undefined;
  readonly namespace?: string | undefined;
  /** Label values, the one being released last. */
  readonly versions?: readonly string[] | undefined;
  readonly name?: string | undefined;
}

/** Shares that a release goes through after the present one. */
const STEPS = [0.1, 0.5, 1];

/**
 * A scenario for objects of somebody's own: the service with several versions, its caller, its routes, and stages from the present weights.
 * @throws ConfigError with the choices where the objects leave one open.
 */
export function propose(objects: readonly KubeObject[], wishes: Wishes): Omit<Proposal, 'schema'> {
  const release = chooseRelease(objects, wishes);
  const caller = chooseCaller(objects, release, wishes.from);
  const gateway = 'request' in caller ? caller : undefined;
  const stands = gateway?.stands ?? [];
  const others = objects.filter((object) => !stands.some((each) => objectRef(each) === objectRef(object)));
  const world = [...others, ...stands];
  const ask = (all: readonly KubeObject[]): ExplainDocument =>
    explain({
      objects: all,
      callers: atEach(
        placedCallers(all, { workload: caller.workload, namespace: release.namespace }, gateway !== undefined).callers,
        (one) => ({ ...one, caller: { ...one.caller, sidecar: true } }),
      ),
      ...PLAIN,
      ...gateway?.request,
      host: gateway ? (gateway.request.host ?? 'any') : release.service,
      port: gateway?.request.port ?? release.port,
      versionLabel: release.label,
    });
  const present = ask(world);
  const versions = orderVersions(release, present, wishes.versions);
  const [old, next] = [versions[0] ?? '', versions.at(-1) ?? ''];
  const share = present.share[next] ?? 0;
  const route = world.find((object) => present.source !== '' && objectRef(object) === present.source);
  const split = splitter({ objects: world, release, present, route, ask });
  // A gateway needs a route, which may leave the choice to balancing.
  const whole = gateway !== undefined && present.routes[present.taken]?.destinations.length === 1;
  const balanced = !route || (whole && Object.keys(present.share).length > 1);
  const first: ProposedStage = {
    name: 'present',
    why: route
      ? `${present.source} as it was found.`
      : 'As it was found: no route names the service, so the proxies balance over all ready pods.',
    objects: route ? [applicable(route)] : [],
    share,
    balanced,
  };
  const steps = balanced ? STEPS : STEPS.filter((step) => step > share + 0.001);
  const more = steps.flatMap((step): ProposedStage[] => {
    const made = split(old, next, step);
    if (!made) return [];
    const name = `to-${step * 100}`;
    return [{ name, why: `${step * 100} % for ${next}.`, objects: made.map(applicable), share: step, balanced: false }];
  });
  return {
    name: wishes.name ?? `${release.service}-canary`,
    namespace: release.namespace,
    service: release.service,
    from: caller.workload,
    why: caller.why,
    calls: gateway ? [] : callsOf(objects, release, caller.workload),
    request: gateway ? gateway.request : { ...PLAIN, host: undefined },
    mesh: route?.kind === 'HTTPRoute' ? 'gateway-api' : 'istio',
    label: release.label,
    versions,
    stages: [first, ...more],
    start: [...startObjects(others, release.namespace, caller.workload), ...stands],
  };
}

function chooseRelease(objects: readonly KubeObject[], { service, namespace }: Wishes): Release {
  const all = releasesOf(objects).filter((each) => namespace === undefined || each.namespace === namespace);
  const found = service === undefined ? all : all.filter((each) => each.service === service);
  const [only] = found;
  if (only && found.length === 1) return only;
  const list = all.map((each) => `${each.service} in ${each.namespace} (${each.versions.join(', ')})`).join('; ');
  const refuse = (message: string, hint: string) => new ConfigError([{ file: '--service', message, hint }]);
  if (all.length === 0) {
    return fail(
      refuse(
        'no Service has pods of two versions behind it',
        'the pods of a release differ in the label version or app.kubernetes.io/version; bring both Deployments',
      ),
    );
  }
  if (service !== undefined && found.length === 0)
    return fail(refuse(`found ${JSON.stringify(service)}, which has no two versions`, `choose one of: ${list}`));
  return fail(refuse(`several Services have two versions: ${list}`, 'choose one with --service, and --namespace'));
}

function chooseCaller(
  objects: readonly KubeObject[],
  release: Release,
  wanted: string | undefined,
): CallerChoice | GatewayCaller {
  const others = otherWorkloads(objects, release).map(({ metadata }) => metadata.name);
  const gateways = gatewayCallers(objects, release);
  if (wanted !== undefined) {
    const gateway = gateways.find(({ workload }) => workload === wanted);
    if (gateway) return { ...gateway, why: 'as --from says' };
    if (others.includes(wanted)) return { workload: wanted, why: 'as --from says' };
    const names = [...others, ...gateways.map(({ workload }) => workload)];
    return refuseCaller(`found ${JSON.stringify(wanted)}, which is no other workload of ${release.namespace}`, names);
  }
  const known = callersOf(objects, release, callsOfImage);
  const evident = known.length > 0 || routedInMesh(objects, release) ? known : gateways;
  const [only] = others;
  const choices =
    evident.length === 0 && only && others.length === 1
      ? [{ workload: only, why: 'it is the only other workload' }]
      : evident;
  const [first] = choices;
  if (first && choices.length === 1) return first;
  return choices.length > 1
    ? refuseCaller(
        `several workloads may call ${release.service} (${first?.why})`,
        choices.map(({ workload }) => workload),
      )
    : refuseCaller(`nothing tells which workload calls ${release.service}`, others);
}

function refuseCaller(message: string, names: readonly string[]): never {
  const hint =
    names.length > 0
      ? `choose one with --from: ${names.join(', ')}`
      : 'bring the workload that calls it: routes apply in the proxy of the caller';
  return fail(new ConfigError([{ file: '--from', message, hint }]));
}

function fail(error: Error): never {
  throw error;
}

/** The one being released is the last: of several that get traffic by weight the one with least, else the newest name without any. */
function orderVersions(release: Release, present: ExplainDocument, wanted: readonly string[] | undefined): string[] {
  const share = (version: string) => present.share[version] ?? 0;
  const unknown = (wanted ?? []).filter((version) => !release.versions.includes(version));
  if (unknown.length > 0) {
    const message = `found ${unknown.join(', ')}; the pods have ${release.versions.join(', ')}`;
    throw new ConfigError([{ file: '--versions', message }]);
  }
  const served = release.versions.filter((version) => share(version) > 0);
  const newest = [...release.versions].reverse();
  const next =
    wanted?.at(-1) ??
    (present.source === '' || served.length === 0
      ? newest[0]
      : served.length === 1
        ? newest.find((version) => !served.includes(version))
        : [...served].reverse().sort((a, b) => share(a) - share(b))[0]);
  const rest = release.versions.filter((version) => version !== next);
  const first = wanted?.[0] ?? [...rest].sort((a, b) => share(b) - share(a))[0];
  return [...rest].sort((a, b) => Number(b === first) - Number(a === first)).concat(next ?? []);
}

/** What is known of the caller's image, and in any case a call to the service. */
function callsOf(objects: readonly KubeObject[], { service, namespace, port }: Release, caller: string): string[] {
  const workload = objects.find(
    ({ metadata, spec }) =>
      metadata.name === caller && metadata.namespace === namespace && spec?.template !== undefined,
  );
  const [container] = records(record(record(workload?.spec?.template).spec).containers);
  const known = callsOfImage(text(container?.image) ?? '');
  return known.some((url) => new URL(url).hostname === service) ? [...known] : [`http://${service}:${port}/`];
}

/** Without what a cluster added. */
function applicable(object: KubeObject): KubeObject {
  const { name, namespace, labels: own } = object.metadata;
  const metadata = { name, ...(namespace ? { namespace } : {}), ...(own ? { labels: own } : {}) };
  return { apiVersion: object.apiVersion, kind: object.kind, metadata, ...(object.spec ? { spec: object.spec } : {}) };
}
