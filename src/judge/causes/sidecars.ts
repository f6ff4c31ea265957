import { expandHost, type KubeObject } from '../../base/kubernetes.js';
import { importsOf } from '../../mesh/imports.js';
import { sidecarFor } from '../../mesh/scope.js';
import { callerIsGateway, callerLabels } from './callers.js';
import { at, type DiagnosisInput, items, namespaceOf, ofKind, text } from './objects.js';
import { byAge, serviceHost } from './rules.js';

/** What the Sidecar object that governs the caller's pods lets them know. */
export interface CallerSidecar {
  readonly object: KubeObject;
  /** `namespace/host` as written. */
  readonly hosts: readonly string[];
  readonly knowsService: boolean;
  knows(virtualService: KubeObject): boolean;
}

/** undefined: none governs them, or it hides nothing. */
export function callerSidecar(input: DiagnosisInput): CallerSidecar | undefined {
  const { namespace, mesh } = input.scenario;
  if (mesh === 'linkerd' || callerIsGateway(input)) return undefined;
  const governed = { namespace, labels: callerLabels(input) };
  const object = sidecarFor([...ofKind(input, 'Sidecar')].sort(byAge), governed, ROOT);
  const imported = object && importsOf(object, namespace);
  if (!imported) return undefined;
  return {
    object,
    hosts: items(object.spec?.egress).flatMap((each) => hostsOf(each)),
    knowsService: imported.some(namespace, [serviceHost(input)]),
    knows: (virtualService) =>
      imported.some(
        namespaceOf(virtualService),
        hostsOf(virtualService.spec).map((host) => expandHost(host, namespaceOf(virtualService))),
      ),
  };
}

const ROOT = 'istio-system';

const hostsOf = (value: unknown): string[] => items(at(value, 'hosts')).map((host) => text(host) ?? '');
