import { IDENTITY_FIELDS, type Identity } from '../control/identity.js';
import { extension, type Message } from './proto.js';

/** The exchange stands for Istio's `x-envoy-peer-metadata`, whose encoding needs Istio's own filter: one header a field. */
const headerOf = (field: keyof Identity): string =>
  `x-weighbridge-peer-${field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** Metadata namespace in which a proxy keeps what the other one told. */
export const PEER = 'peer';
/** Key beside the fields: `mutual_tls` where a certificate would have been shown. */
export const SECURITY = 'security';

/** Header lines that tell who sends. @param plain without the identity that only a certificate shows. */
export const tellIdentity = (identity: Identity, plain = false): Message[] =>
  IDENTITY_FIELDS.filter((field) => !(plain && field === 'principal') && identity[field] !== '').map((field) => ({
    header: { key: headerOf(field), value: identity[field] },
    append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
  }));

/** Reads the caller's lines from a request and takes them away; what is missing is unknown. */
export function readCaller(): Message {
  const rules = IDENTITY_FIELDS.map((field) => ({
    header: headerOf(field),
    on_header_present: { metadata_namespace: PEER, key: field },
    on_header_missing: {
      metadata_namespace: PEER,
      key: field,
      value: field === 'canonicalRevision' ? 'latest' : 'unknown',
    },
    remove: true,
  }));
  const security = {
    header: headerOf('principal'),
    on_header_present: { metadata_namespace: PEER, key: SECURITY, value: 'mutual_tls' },
    on_header_missing: { metadata_namespace: PEER, key: SECURITY, value: 'none' },
  };
  return headerToMetadata({ request_rules: [security, ...rules] });
}

/** Reads the callee's lines from a response and takes them away; what is missing is looked up elsewhere. */
export function readCallee(): Message {
  const rules = IDENTITY_FIELDS.map((field) => ({
    header: headerOf(field),
    on_header_present: { metadata_namespace: PEER, key: field },
    remove: true,
  }));
  return headerToMetadata({ response_rules: rules });
}

const headerToMetadata = (fields: Message): Message =>
  extension('envoy.filters.http.header_to_metadata', 'extensions.filters.http.header_to_metadata.v3.Config', fields);
