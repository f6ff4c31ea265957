import { type KubeObject, namespaceOf } from '../base/kubernetes.js';
import { refuseLocalityLbSetting } from './admissionLocality.js';
import { entryProtocol } from './protocol.js';
import { isRecord, list, number, record, records, text, texts } from './read.js';
import { isLabel, type Refuse, refuseExportTo } from './refusals.js';

const POLICY_FIELDS = [
  'outlierDetection',
  'connectionPool',
  'loadBalancer',
  'tls',
  'portLevelSettings',
  'tunnel',
  'proxyProtocol',
  'retryBudget',
];

export function refuseDestinationRule({ metadata, spec = {} }: KubeObject, refuse: Refuse): void {
  const namespace = namespaceOf({ metadata });
  if (!text(spec.host)) refuse('spec.host', 'it is missing');
  refusePolicy(spec.trafficPolicy, 'spec.trafficPolicy', refuse);
  const names = new Set<string>();
  records(spec.subsets).forEach((subset, index) => {
    const field = `spec.subsets[${index}]`;
    const name = text(subset.name) ?? '';
    if (names.has(name)) refuse(`${field}.name`, `duplicate subset names: ${name}`);
    names.add(name);
    if (!isLabel(name)) refuse(`${field}.name`, `subset name is invalid: ${name || 'it is empty'}`);
    refusePolicy(subset.trafficPolicy, `${field}.trafficPolicy`, refuse);
  });
  refuseExportTo(spec.exportTo, namespace, refuse);
  const exportTo = texts(spec.exportTo);
  if (isRecord(spec.workloadSelector) && exportTo.some((entry) => entry !== '.' && entry !== namespace)) {
    refuse('spec.exportTo', 'a rule with a workload selector cannot be exported beyond its namespace');
  }
}

function refusePolicy(value: unknown, field: string, refuse: Refuse): void {
  if (!isRecord(value)) return;
  if (POLICY_FIELDS.every((key) => value[key] === undefined || value[key] === null)) {
    refuse(field, 'traffic policy must have at least one field');
    return;
  }
  const outlier = record(value.outlierDetection);
  for (const key of ['maxEjectionPercent', 'minHealthPercent']) {
    const percent = number(outlier[key]);
    if (percent !== undefined && (percent < 0 || percent > 100)) {
      refuse(`${field}.outlierDetection.${key}`, `found ${percent}, allowed is 0 to 100`);
    }
  }
  if (outlier.splitExternalLocalOriginErrors !== true && (number(outlier.consecutiveLocalOriginFailures) ?? 0) > 0) {
    refuse(`${field}.outlierDetection`, 'consecutiveLocalOriginFailures needs splitExternalLocalOriginErrors');
  }
  const balancer = record(value.loadBalancer);
  if (isRecord(balancer.localityLbSetting) && isRecord(balancer.zoneAwareLbSetting)) {
    refuse(`${field}.loadBalancer`, 'localityLbSetting and zoneAwareLbSetting exclude each other');
  }
  refuseLocalityLbSetting(balancer.localityLbSetting, `${field}.loadBalancer.localityLbSetting`, refuse);
  const hash = record(balancer.consistentHash);
  if (isRecord(hash.httpCookie) && !text(hash.httpCookie.name)) {
    refuse(`${field}.loadBalancer.consistentHash.httpCookie.name`, 'it is missing');
  }
  if (isRecord(hash.maglev) && !isPrime(number(hash.maglev.tableSize) ?? 0)) {
    refuse(`${field}.loadBalancer.consistentHash.maglev.tableSize`, 'tableSize must be a prime number for maglev');
  }
  records(value.portLevelSettings).forEach((entry, index) => {
    const { port: _port, ...policy } = entry;
    refusePolicy(policy, `${field}.portLevelSettings[${index}]`, refuse);
  });
}

function isPrime(value: number): boolean {
  if (!Number.isInteger(value) || value < 2 || value >= 5_000_011) return false;
  for (let factor = 2; factor * factor <= value; factor++) if (value % factor === 0) return false;
  return true;
}

const SERVER_PROTOCOLS = new Set([
  'HTTP',
  'HTTP2',
  'GRPC',
  'GRPC-WEB',
  'HTTPS',
  'TLS',
  'TCP',
  'MONGO',
  'REDIS',
  'MYSQL',
]);

export function refuseGateway({ spec = {} }: KubeObject, refuse: Refuse): void {
  const servers = records(spec.servers);
  if (servers.length === 0) refuse('spec.servers', 'gateway must have at least one server');
  const names = new Set<unknown>();
  servers.forEach((server, index) => {
    const field = `spec.servers[${index}]`;
    const hosts = list(server.hosts);
    if (hosts.length === 0) refuse(`${field}.hosts`, 'server config must contain at least one host');
    hosts.forEach((host, position) => {
      const name = String(host).slice(String(host).indexOf('/') + 1);
      if (name !== '*' && !name.includes('.')) {
        refuse(`${field}.hosts[${position}]`, 'short names (non FQDN) are not allowed');
      }
    });
    const port = record(server.port);
    const protocol = (text(port.protocol) ?? '').toUpperCase();
    if (!SERVER_PROTOCOLS.has(protocol))
      refuse(`${field}.port.protocol`, `invalid protocol "${text(port.protocol) ?? ''}"`);
    if (names.has(port.name)) refuse(`${field}.port.name`, 'port names in servers must be unique');
    names.add(port.name);
    const needsTls = protocol === 'HTTPS' || protocol === 'TLS';
    if (needsTls && !isRecord(server.tls))
      refuse(`${field}.tls`, 'server must have TLS settings for HTTPS/TLS protocols');
    if (!needsTls && isRecord(server.tls) && !redirectsOnly(server.tls)) {
      refuse(`${field}.tls`, 'server cannot have TLS settings for plain text HTTP ports');
    }
  });
}

const redirectsOnly = (tls: Readonly<Record<string, unknown>>): boolean =>
  ['undefined', 'PASSTHROUGH', 'AUTO_PASSTHROUGH'].includes(String(tls.mode)) &&
  ['caCertificates', 'privateKey', 'serverCertificate'].every((key) => !tls[key]);

export function refuseServiceEntry({ metadata, spec = {} }: KubeObject, refuse: Refuse): void {
  const hosts = texts(spec.hosts);
  const ports = records(spec.ports);
  const endpoints = list(spec.endpoints);
  const resolution = text(spec.resolution) ?? 'NONE';
  if (hosts.length === 0) refuse('spec.hosts', 'service entry must have at least one host');
  if (hosts.includes('*')) refuse('spec.hosts', 'invalid host *');
  if (isRecord(spec.workloadSelector) && endpoints.length > 0) {
    refuse('spec.endpoints', 'only one of WorkloadSelector or Endpoints is allowed in Service Entry');
  }
  for (const key of ['name', 'number']) {
    const values = ports.map((port) => port[key]);
    if (new Set(values).size < values.length) refuse('spec.ports', `a port ${key} is there twice`);
  }
  if (resolution === 'NONE' && endpoints.length > 0) {
    refuse('spec.endpoints', 'no endpoints should be provided for resolution type none');
  }
  if (resolution === 'DNS_ROUND_ROBIN' && endpoints.length > 1) {
    refuse('spec.endpoints', 'there must only be 0 or 1 endpoint for resolution mode DNS_ROUND_ROBIN');
  }
  if (resolution.startsWith('DNS') && endpoints.length === 0 && hosts.some((host) => host.includes('*'))) {
    refuse('spec.hosts', 'without endpoints a host that is resolved by DNS has no wildcard');
  }
  const plain = ports.some((port) => {
    const word = (text(port.protocol) ?? '').toLowerCase();
    return entryProtocol(word) !== 'http' && word !== 'tls' && word !== 'https';
  });
  if (hosts.length > 1 && resolution !== 'NONE' && plain) {
    refuse('spec.hosts', 'multiple hosts provided with non-HTTP, non-TLS ports');
  }
  refuseExportTo(spec.exportTo, namespaceOf({ metadata }), refuse, true);
}

export function refuseSidecar({ spec = {} }: KubeObject, refuse: Refuse): void {
  const egress = records(spec.egress);
  const settings = [spec.outboundTrafficPolicy, spec.inboundConnectionPool];
  if (egress.length === 0 && list(spec.ingress).length === 0 && settings.every((value) => value === undefined)) {
    refuse('spec', 'sidecar: empty configuration provided');
  }
  egress.forEach((listener, index) => {
    const field = `spec.egress[${index}]`;
    if (list(listener.hosts).length === 0) refuse(`${field}.hosts`, 'egress listener must contain at least one host');
    if (listener.port === undefined && index < egress.length - 1) {
      refuse(field, 'the egress listener with empty port should be the last listener in the list');
    }
    texts(listener.hosts).forEach((host, position) => {
      if (!host.includes('/')) refuse(`${field}.hosts[${position}]`, `found ${host}, allowed is namespace/host`);
    });
  });
}
