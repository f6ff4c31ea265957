import type { KubeObject } from '../base/kubernetes.js';
import { perObject } from './memo.js';
import { portMap } from './pods.js';
import { entryProtocol, isTlsProtocol } from './protocol.js';
import { labels, number, record, records, text, texts } from './read.js';
import type { Service, ServicePort } from './services.js';
import type { Endpoint } from './types.js';

/** The hosts of a ServiceEntry as Services: one each. */
export const serviceEntryServices = perObject((object: KubeObject): readonly Service[] => {
  const { name, namespace = 'default' } = object.metadata;
  const spec = record(object.spec);
  const selector = labels(record(spec.workloadSelector).labels);
  const resolution = text(spec.resolution) ?? 'NONE';
  const ports = records(spec.ports).flatMap((port, index): ServicePort[] => {
    const value = number(port.number);
    const protocol = entryProtocol(text(port.protocol) ?? '');
    if (value === undefined || protocol === 'udp') return [];
    const tls = isTlsProtocol(text(port.protocol) ?? '');
    const name = text(port.name) ?? '';
    const targetPort = number(port.targetPort) ?? value;
    const field = `spec.ports[${index}].protocol`;
    return [{ name, port: value, targetPort, protocol, ...(tls ? { tls } : {}), field }];
  });
  const addresses = texts(spec.addresses);
  return texts(spec.hosts).map((fqdn): Service => {
    const written = records(spec.endpoints);
    return {
      name,
      namespace,
      fqdn,
      ports,
      selector: Object.keys(selector).length > 0 ? selector : undefined,
      clusterIp: undefined,
      headless: false,
      exportTo: texts(spec.exportTo),
      entry: {
        dialled: resolution === 'NONE',
        addresses: addresses.filter((address) => !address.includes('/')),
        subnets: addresses.filter((address) => address.includes('/')),
        endpoints: (port) =>
          written.length > 0 && resolution !== 'NONE'
            ? written.flatMap((endpoint) => writtenEndpoint(endpoint, port, `${namespace}/${name}`))
            : resolution === 'STATIC'
              ? []
              : [outside(fqdn, Number(port.targetPort), `${namespace}/${name}`)],
      },
    };
  });
});

function writtenEndpoint(endpoint: ReturnType<typeof record>, port: ServicePort, owner: string): Endpoint[] {
  const ip = text(endpoint.address);
  if (!ip) return [];
  const targetPort = portMap(endpoint.ports).get(port.name) ?? Number(port.targetPort);
  const weight = number(endpoint.weight);
  return [{ ...outside(ip, targetPort, owner), labels: labels(endpoint.labels), ...(weight ? { weight } : {}) }];
}

const outside = (ip: string, targetPort: number, owner: string): Endpoint => ({
  pod: `${owner}/${ip}`,
  ip,
  targetPort,
  ready: true,
  labels: {},
  workload: '',
});
