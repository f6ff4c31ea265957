import { type KubeObject, namespaceOf, objectRef } from '../base/kubernetes.js';
import type { Inventory } from './inventory.js';
import { records, texts } from './read.js';
import { exportedTo, hostMatches } from './services.js';
import type { MeshWarning } from './types.js';
import { gatewaysOf, hostsOf } from './virtualServices.js';
import type { WarningInput } from './warningInput.js';

/** VirtualServices that do not act on the host that they seem to name, or that another one beats. */
export function hostWarnings({ inventory, owners, caller }: WarningInput): MeshWarning[] {
  const found: MeshWarning[] = [];
  for (const object of inventory.virtualServices) {
    const written = texts(object.spec?.hosts);
    const onMesh = gatewaysOf(object).includes('mesh');
    hostsOf(object).forEach((host, index) => {
      const place = { object: objectRef(object), field: `spec.hosts[${index}]` };
      const known = isKnown(host, inventory);
      if (onMesh && !known)
        found.push({ ...place, ...unknownHost(written[index] ?? '', host, namespaceOf(object), inventory) });
      // A wildcard over everything means whoever comes to the gateway.
      if (!known || caller.gateway || host === '*') return;
      if (!onMesh) {
        const message = `Its gateways do not include \`mesh\`, so calls inside the mesh to ${host} ignore it.`;
        found.push({ code: 'VIRTUAL_SERVICE_NOT_FOR_MESH', object: place.object, field: 'spec.gateways', message });
      } else if (!exportedTo(texts(object.spec?.exportTo), namespaceOf(object), caller.namespace)) {
        const message = `It is not exported to namespace ${caller.namespace}, so clients there ignore it.`;
        found.push({ code: 'VIRTUAL_SERVICE_NOT_EXPORTED', object: place.object, field: 'spec.exportTo', message });
      }
    });
    if (onMesh && written.length === 0 && !isDelegate(object, inventory)) {
      const message = 'It has no hosts and no other VirtualService delegates to it, so it has no effect.';
      found.push({ code: 'HOST_UNKNOWN', object: objectRef(object), field: 'spec.hosts', message });
    }
  }
  return [...found, ...duplicates(owners.services), ...duplicates(owners.others)];
}

const isKnown = (host: string, { services, aliasHosts }: Inventory): boolean =>
  services.has(host) ||
  aliasHosts.has(host) ||
  (host.includes('*') && [...services.keys()].some((fqdn) => hostMatches(host, fqdn)));

const isDelegate = (object: KubeObject, inventory: Inventory): boolean =>
  inventory.virtualServices.some((root) =>
    records(root.spec?.http).some((rule) => {
      const delegate = rule.delegate as { name?: unknown; namespace?: unknown } | undefined;
      return (
        delegate?.name === object.metadata.name && (delegate?.namespace || namespaceOf(root)) === namespaceOf(object)
      );
    }),
  );

/** Why a host name means no Service, and which Service was probably meant. */
export function unknownHost(
  written: string,
  expanded: string,
  namespace: string,
  { services }: Inventory,
): Pick<MeshWarning, 'code' | 'message'> {
  const parts = written.split('.');
  const [name = '', owner = ''] = parts;
  if (parts.length === 2 && services.has(`${name}.${owner}.svc.cluster.local`)) {
    const fqdn = `${name}.${owner}.svc.cluster.local`;
    return {
      code: 'HOST_WITH_ONE_DOT',
      message: `\`${written}\` is taken as it is and is not the Service; write ${fqdn}.`,
    };
  }
  const elsewhere = parts.length === 1 ? [...services.values()].filter((service) => service.name === name) : [];
  if (elsewhere.length > 0) {
    const names = elsewhere.map((service) => service.fqdn).join(' or ');
    return {
      code: 'SHORT_HOST_OTHER_NAMESPACE',
      message: `\`${written}\` means ${expanded}, in the namespace of the rule (${namespace}), where no such Service is; write ${names}.`,
    };
  }
  return { code: 'HOST_UNKNOWN', message: `There is no Service ${expanded}.` };
}

function duplicates(owners: ReadonlyMap<string, readonly KubeObject[]>): MeshWarning[] {
  return [...owners].flatMap(([host, objects]) => {
    const [winner, ...losers] = objects;
    if (!winner) return [];
    const exact = losers.filter((object) => object !== winner && hostsOf(object).includes(host));
    return exact.map((object) => ({
      code: 'DUPLICATE_VIRTUAL_SERVICE',
      object: objectRef(object),
      field: 'spec.hosts',
      message: `${objectRef(winner)} has the host ${host} too and wins whole; nothing of this object applies to it.`,
    }));
  });
}
