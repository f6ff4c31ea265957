import type { KindTable } from '../control/kinds.js';

/** A protobuf field with a length: strings and messages. Field numbers are those of gnostic's OpenAPIv2.proto. */
function field(number: number, content: Buffer | string): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}

const message = (...fields: Buffer[]): Buffer => Buffer.concat(fields);

/** ParametersItem.parameter -> Parameter.non_body_parameter -> NonBodyParameter.query_parameter_sub_schema. */
const queryParameter = (name: string): Buffer => {
  const schema = message(field(2, 'query'), field(4, name));
  return field(1, field(2, field(3, schema)));
};

/** Operation.vendor_extension: NamedAny of the kind that the path patches. */
const kindExtension = (group: string, version: string, kind: string): Buffer =>
  message(
    field(1, 'x-kubernetes-group-version-kind'),
    field(2, field(2, `group: "${group}"\nkind: ${kind}\nversion: ${version}\n`)),
  );

const PARAMETERS = ['dryRun', 'fieldManager', 'fieldValidation', 'force'].map((name) => field(8, queryParameter(name)));

/**
 * `/openapi/v2` as protobuf, without schemas: each kind's patch and its query parameters, by which kubectl before 1.27 learns whether a kind
 * takes `--dry-run=server`.
 */
export function openapiV2(kinds: KindTable): Buffer {
  const paths = kinds.all.flatMap(({ group, versions, kind, plural, namespaced }) =>
    versions.map((version) => {
      const base = group ? `/apis/${group}/${version}` : `/api/${version}`;
      const path = `${base}${namespaced ? '/namespaces/{namespace}' : ''}/${plural}/{name}`;
      const patch = message(...PARAMETERS, field(13, kindExtension(group, version, kind)));
      return field(2, message(field(1, path), field(2, field(8, patch))));
    }),
  );
  const info = message(field(1, 'Kubernetes'), field(2, 'v1.34.1'));
  return message(field(1, '2.0'), field(2, info), field(8, message(...paths)));
}
