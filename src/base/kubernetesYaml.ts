import type { ScalarTag, SchemaOptions, Tags } from 'yaml';

const NO_JSON = /^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;
const INTEGER = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9]\d*))$/;
const FLOAT = /^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/;

/** The number that Go's YAML takes a plain scalar for; undefined: a word, `.` and `-.` among them. */
function numberOf(text: string): number | undefined {
  const plain = text.replace(text.startsWith('.') ? /(?<=\d)_(?=\d)/g : /_/g, '');
  const [, sign = '', hex, binary, octal, decimal] = INTEGER.exec(plain) ?? [];
  const size =
    (hex && Number.parseInt(hex, 16)) ??
    (binary && Number.parseInt(binary, 2)) ??
    (octal && Number.parseInt(octal, 8)) ??
    (decimal && Number(decimal));
  if (size !== undefined) return Number(`${sign}1`) * Number(size);
  const value = FLOAT.test(plain) ? Number(plain) : Number.NaN;
  return Number.isFinite(value) ? value : undefined;
}

const number: ScalarTag = {
  default: true,
  tag: 'tag:yaml.org,2002:float',
  test: /^[-+.\d][\w.+-]*$/,
  resolve: (text, onError) => {
    if (NO_JSON.test(text)) onError(`${text} is a number that JSON does not have; quote a word`);
    return numberOf(text) ?? text;
  },
};

type Tag = Exclude<Tags[number], string>;

/**
 * YAML as kubectl and the API server read it (sigs.k8s.io/yaml): YAML 1.1 with octal numbers, on/off and merge keys; without dates, base-60
 * numbers and binary data, which stay words.
 */
export const KUBERNETES_YAML = {
  version: '1.1',
  customTags: (tags) => [
    number,
    { ...number, tag: 'tag:yaml.org,2002:int' },
    ...tags.filter(
      (tag): tag is Tag => typeof tag !== 'string' && !/:(int|float|timestamp|binary|set|omap|pairs)$/.test(tag.tag),
    ),
  ],
} as const satisfies SchemaOptions & { version: '1.1' };
