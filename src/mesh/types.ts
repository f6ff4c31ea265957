import type { KubeObject } from '../base/kubernetes.js';
import type { Millis, Ratio } from '../base/units.js';

/** The proxy for which objects are compiled. */
export interface Caller {
  readonly workload: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** A gateway workload: only VirtualServices bound to one of its Gateways apply. */
  readonly gateway: boolean;
  /** false: no sidecar stands before its connections, so no route applies to them. Default true. */
  readonly sidecar?: boolean;
  /** `region/zone/subzone` where it runs; absent: not known, so that no endpoint is nearer than another. */
  readonly locality?: string;
}

/** What a mesh configures one proxy with: RDS, CDS and EDS in one value. */
export interface ProxyConfig {
  /** By port number, as Istio's route configuration names. */
  readonly ports: readonly PortConfig[];
  /** Keyed by Istio's cluster name `outbound|<port>|<subset>|<fqdn>`. */
  readonly clusters: Readonly<Record<string, Cluster>>;
  /** Services that this proxy was not told of: their connections pass through to the ClusterIP, kube-proxy balances them. */
  readonly hidden?: readonly HiddenService[];
  /** What becomes of a host that is in no route table; default allow-any: passed through as it is. registry-only: 502. not-found: a gateway's 404. */
  readonly unknownHosts?: 'allow-any' | 'registry-only' | 'not-found';
  readonly warnings: readonly MeshWarning[];
}

export interface PortConfig {
  readonly port: number;
  readonly virtualHosts: readonly VirtualHost[];
  /** Services of this port that are routed as TCP: connections, not requests. */
  readonly tcp: readonly TcpService[];
}

export interface TcpService {
  readonly host: string;
  readonly domains: readonly string[];
  readonly cluster: string;
  /** Drawn once per connection; absent: `cluster` alone. */
  readonly destinations?: readonly Destination[];
  /** `Kind/namespace/name` of the object that made the destinations. */
  readonly source?: string;
  /** The host has no address: it takes every connection of the port to an address that no other host has. */
  readonly anyAddress?: boolean;
  /** Other hosts read HTTP on the port: of its connections it takes those that are not HTTP, theirs too. */
  readonly besideHttp?: boolean;
  /** By the server name of a TLS connection, in place of `cluster`; a connection that fits none passes through. */
  readonly tls?: readonly TlsRoute[];
  /** What kube-proxy balances such connections over; absent for a host outside of the cluster. */
  readonly passed?: readonly Endpoint[];
}

/** A match of a `tls:` rule, or a Service that is known by its name alone. */
export interface TlsRoute {
  /** In lower case; `*.example.com` takes every name that ends so, `*` every connection. */
  readonly serverNames: readonly string[];
  /** Drawn once per connection. */
  readonly destinations: readonly Destination[];
  /** `Kind/namespace/name`; empty: no object makes the route. */
  readonly source: string;
  /** Field of the source object: `spec.tls[0].match[1]`. */
  readonly field: string;
}

export interface HiddenService {
  readonly host: string;
  /** Its name stands for the addresses of its ready pods. */
  readonly headless?: boolean;
  readonly domains: readonly string[];
  readonly port: number;
  readonly endpoints: readonly Endpoint[];
}

export interface VirtualHost {
  /** `customermanagementapi.pitstop.svc.cluster.local:5100` */
  readonly name: string;
  /** Without port; matched exactly, then by `*.` suffix, then `*`. */
  readonly domains: readonly string[];
  /** In order, the first that matches wins; none: 404 NR. */
  readonly routes: readonly Route[];
  /** `Kind/namespace/name` of the object that made the routes; undefined: plain balancing of the Service. */
  readonly source: string | undefined;
  /** The port names no protocol: HTTP is detected per connection, and the proxy holds the routes under `<host>:<port>`. */
  readonly detected?: boolean;
}

export interface StringMatch {
  readonly kind: 'exact' | 'prefix' | 'regex' | 'present' | 'segment-prefix';
  readonly value: string;
  readonly ignoreCase?: boolean;
}

/** All conditions of one match hold; a route matches when one of its matches does, or when it has none. */
export interface RouteMatch {
  readonly path?: StringMatch;
  readonly method?: StringMatch;
  readonly authority?: StringMatch;
  readonly scheme?: StringMatch;
  readonly headers: readonly { readonly name: string; readonly match: StringMatch; readonly invert: boolean }[];
  readonly query: readonly { readonly name: string; readonly match: StringMatch }[];
}

export interface Redirect {
  readonly kind: 'redirect';
  readonly status: number;
  /** Replaces the whole path. */
  readonly uri?: string;
  /** Replaces only the matched prefix of the path. */
  readonly prefix?: string;
  readonly authority?: string;
  readonly scheme?: string;
  readonly port?: number;
}

export interface Route {
  /** The rule's own name, else `default` or its position. */
  readonly name: string;
  readonly matches: readonly RouteMatch[];
  readonly action:
    | { readonly kind: 'forward'; readonly destinations: readonly Destination[] }
    | Redirect
    | { readonly kind: 'direct'; readonly status: number; readonly body: string };
  readonly mirrors: readonly {
    readonly cluster: string;
    readonly host: string;
    readonly subset: string;
    readonly share: Ratio;
  }[];
  readonly fault: Fault;
  readonly retries: RetryPolicy;
  /** undefined: none. */
  readonly timeout: Millis | undefined;
  readonly rewrite: Rewrite | undefined;
  readonly requestHeaders: HeaderChange;
  readonly responseHeaders: HeaderChange;
  /** Field of the source object: `spec.http[0]`. */
  readonly field: string;
  /** The object that `field` is in, which need not be the virtual host's source: a delegate, or another object merged into the host. */
  readonly source?: string;
}

export interface Rewrite {
  /** Replaces the matched prefix, or the whole path after an exact or regex match. */
  readonly uri?: string;
  /** RE2; every occurrence in the path is replaced. */
  readonly regex?: { readonly pattern: string; readonly substitution: string };
  readonly authority?: string;
}

export interface HeaderChange {
  readonly set: Readonly<Record<string, string>>;
  readonly add: Readonly<Record<string, string>>;
  readonly remove: readonly string[];
}

export interface Destination {
  readonly cluster: string;
  readonly host: string;
  /** Empty: the whole Service. */
  readonly subset: string;
  readonly port: number;
  /** As configured, > 0; the share is weight / sum. */
  readonly weight: number;
  /** Status when the cluster does not exist; default 503, Gateway API routes 500. */
  readonly missingStatus?: number;
  /** After the changes of the route. */
  readonly requestHeaders?: HeaderChange;
  readonly responseHeaders?: HeaderChange;
  /** Field of the source object: `spec.http[0].route[1]`. */
  readonly field: string;
}

export interface Fault {
  readonly delay?: { readonly share: Ratio; readonly duration: Millis };
  readonly abort?: { readonly share: Ratio; readonly status: number };
}

export interface RetryPolicy {
  /** Retries beyond the first attempt. */
  readonly attempts: number;
  readonly retryOn: readonly string[];
  /** For `retriable-status-codes`. */
  readonly statusCodes: readonly number[];
  readonly perTryTimeout: Millis | undefined;
}

export interface Cluster {
  readonly name: string;
  readonly host: string;
  readonly serviceName: string;
  readonly serviceNamespace: string;
  readonly port: number;
  readonly subset: string;
  readonly protocol: 'http' | 'tcp';
  readonly balancing: 'least-request' | 'round-robin' | 'random' | 'ring-hash' | 'original-dst';
  readonly hash: { readonly by: 'header' | 'cookie' | 'query' | 'source-ip'; readonly name: string } | undefined;
  readonly outlier:
    | {
        /** 0: off. */
        readonly consecutive5xx: number;
        /** 502, 503 and 504 only; 0 or absent: off. */
        readonly consecutiveGateway?: number;
        readonly interval: Millis;
        readonly baseEjection: Millis;
        readonly maxEjectionPercent: number;
      }
    | undefined;
  readonly limits: { readonly maxConnections?: number; readonly maxPending?: number };
  /** What a DestinationRule says of the connections' encryption; absent: the mesh chooses by endpoint. */
  readonly tls?: 'disable' | 'simple' | 'mutual' | 'istio-mutual';
  /** With original-dst these are the pods that a client may dial: all of the Service, whatever the subset. */
  readonly endpoints: readonly Endpoint[];
}

export interface Endpoint {
  /** `namespace/pod` */
  readonly pod: string;
  readonly ip: string;
  readonly targetPort: number;
  /** Unready endpoints are sent, but get no traffic. */
  readonly ready: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly workload: string;
  /** 0 or absent: the nearest ones. Those of a higher number get requests as far as nearer ones are not healthy. */
  readonly priority?: number;
  /** Relative to the cluster's other endpoints, as a ServiceEntry may write it; absent: 1. */
  readonly weight?: number;
  /** Its `region/zone/subzone`, where a proxy draws one of them first, by their weights; absent: it draws among all of a priority. */
  readonly locality?: { readonly name: string; readonly weight: number };
}

/** A field of an object. */
export type Place = Pick<MeshWarning, 'object' | 'field'>;

export interface MeshWarning {
  readonly code: string;
  /** `Kind/namespace/name` */
  readonly object: string;
  readonly field: string;
  readonly message: string;
}

/** Everything a cluster (or a folder of manifests) holds; order is irrelevant. */
export type MeshObjects = readonly KubeObject[];
