import type { KubeObject } from '../base/kubernetes.js';
import { records, texts } from './read.js';
import { type Alias, hostMatches, type Service } from './services.js';

/** What the egress hosts of a Sidecar let a proxy know. */
export interface Imports {
  /** Of hosts of a namespace: is one of them known? */
  some(namespace: string, hosts: readonly string[]): boolean;
  /** Those of its ExternalNames that a Service brings with it: they are looked for where the Service itself was found. */
  aliases(service: Service, all: readonly Alias[]): readonly Alias[];
}

interface Entry {
  /** `*`: all. */
  readonly namespace: string;
  readonly host: string;
  /** Written with `~` before the namespace: not this, whatever else names it. */
  readonly excluded: boolean;
}

/** undefined: the Sidecar has no egress hosts, so that everything is known. */
export function importsOf(sidecar: KubeObject, callerNamespace: string): Imports | undefined {
  const egress = records(sidecar.spec?.egress);
  if (egress.length === 0) return undefined;
  const entries = egress.flatMap((listener) => texts(listener.hosts)).map((host) => entryOf(host, callerNamespace));
  const included = entries.filter(({ excluded }) => !excluded);
  const excluded = entries.filter((entry) => entry.excluded);
  return {
    some: (namespace, hosts) => {
      const here = (entry: Entry) => entry.namespace === '*' || entry.namespace === namespace;
      return hosts.some(
        (host) =>
          // A host of a VirtualService may be a wildcard itself.
          included.some((entry) => here(entry) && (hostMatches(entry.host, host) || hostMatches(host, entry.host))) &&
          !excluded.some((entry) => here(entry) && hostMatches(entry.host, host)),
      );
    },
    aliases: (service, all) => {
      const own = included.filter(({ namespace }) => namespace === service.namespace);
      const found = own.some(({ host }) => hostMatches(host, service.fqdn));
      const entriesOfService = found ? own : included.filter(({ namespace }) => namespace === '*');
      return all.filter(({ fqdn }) => entriesOfService.some(({ host }) => hostMatches(host, fqdn)));
    },
  };
}

function entryOf(written: string, callerNamespace: string): Entry {
  const slash = written.indexOf('/');
  const owner = slash < 0 ? '*' : written.slice(0, slash);
  const excluded = owner.startsWith('~');
  const namespace = (excluded ? owner.slice(1) : owner) || '*';
  return { namespace: namespace === '.' ? callerNamespace : namespace, host: written.slice(slash + 1), excluded };
}
