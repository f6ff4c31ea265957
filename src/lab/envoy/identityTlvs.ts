import { IDENTITY_FIELDS, type Identity } from '../control/identity.js';
import { SECURITY } from './identityHeaders.js';
import { any, extension, type Message } from './proto.js';

/** TLV types that the PROXY protocol leaves to applications begin here; one for each identity field, and one more. */
const FIRST_TYPE = 0xe1;
const SECURITY_TYPE = FIRST_TYPE + IDENTITY_FIELDS.length;
/** Where a connection to an address of the cluster really leads. */
export const REAL_TARGET_TYPE = 0xe0;

/** Metadata namespace that the listener filter writes. */
export const TLVS = 'envoy.filters.listener.proxy_protocol';
export const REAL_TARGET = 'real';

const rule = (type: number, key: string): Message => ({ tlv_type: type, on_tlv_present: { key } });

/** Listener filter of connections that come from the pod itself: each begins with what address translation would have told. */
export const readDialled = (): Message =>
  extension('envoy.filters.listener.proxy_protocol', 'extensions.filters.listener.proxy_protocol.v3.ProxyProtocol', {
    rules: [rule(REAL_TARGET_TYPE, REAL_TARGET)],
  });

/** Listener filter of connections from elsewhere: another sidecar tells who it is, everybody else just begins. */
export const readCallerTlvs = (): Message =>
  extension('envoy.filters.listener.proxy_protocol', 'extensions.filters.listener.proxy_protocol.v3.ProxyProtocol', {
    rules: [...IDENTITY_FIELDS.map((field, index) => rule(FIRST_TYPE + index, field)), rule(SECURITY_TYPE, SECURITY)],
    allow_requests_without_proxy_protocol: true,
  });

const tlv = (type: number, text: string): Message => ({ type, value: Buffer.from(text).toString('base64') });

/** Transport socket that tells who connects; it stands for the metadata exchange that Istio negotiates by ALPN. */
export const tellByTlvs = (identity: Identity): Message =>
  extension(
    'envoy.transport_sockets.upstream_proxy_protocol',
    'extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport',
    {
      config: {
        version: 'V2',
        added_tlvs: [
          ...IDENTITY_FIELDS.flatMap((field, index) =>
            identity[field] === '' ? [] : [tlv(FIRST_TYPE + index, identity[field])],
          ),
          tlv(SECURITY_TYPE, 'mutual_tls'),
        ],
      },
      transport_socket: rawBuffer(),
    },
  );

export const rawBuffer = (): Message => ({
  name: 'envoy.transport_sockets.raw_buffer',
  typed_config: any('extensions.transport_sockets.raw_buffer.v3.RawBuffer', {}),
});
