/**
 * As much HTML reading as a server-rendered form needs: links, fields, entities. Not a parser, but linear in the length of the page,
 * whatever is in it; foreign pages can only make it find nothing.
 */

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

export function decodeEntities(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(\w{2,5}));/gi, (all, decimal, hex, name) => {
    if (name) return ENTITIES[name.toLowerCase()] ?? all;
    const code = decimal ? Number(decimal) : Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : all;
  });
}

interface Tag {
  /** Lower case; of an end tag with a slash before it. */
  readonly name: string;
  /** Lower-case name -> decoded value; a name without a value is absent. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly text: string;
  /** Positions in the page: of `<`, and behind `>`. */
  readonly start: number;
  readonly end: number;
}

function* tags(html: string): Generator<Tag> {
  for (let at = 0; ; ) {
    const start = html.indexOf('<', at);
    const close = start < 0 ? -1 : html.indexOf('>', start);
    if (close < 0) return;
    at = close + 1;
    const text = html.slice(start, at);
    const name = /^<(\/?[a-z][a-z0-9]*)/i.exec(text)?.[1];
    if (name) yield { name: name.toLowerCase(), attributes: attributesOf(text), text, start, end: at };
  }
}

function attributesOf(tag: string): Map<string, string> {
  const found = new Map<string, string>();
  // The look-behind starts a name only where a word starts: else a long word would be tried from each of its letters.
  for (const match of tag.matchAll(/(?<![\w:-])([\w:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/g)) {
    const [, name = '', double, single, bare] = match;
    found.set(name.toLowerCase(), decodeEntities(double ?? single ?? bare ?? ''));
  }
  return found;
}

/** Every link's target, decoded, in the order of the page. */
export function links(html: string): string[] {
  return [...tags(html)].flatMap(({ name, attributes }) => (name === 'a' ? (attributes.get('href') ?? []) : []));
}

export interface HtmlForm {
  readonly action: string;
  /** Field name -> the value it would be sent with. */
  readonly fields: ReadonlyMap<string, string>;
}

const NOT_SENT = new Set(['submit', 'button', 'image', 'reset', 'file', 'checkbox', 'radio']);

/** Every form that posts, with the fields that a browser would send. */
export function forms(html: string): HtmlForm[] {
  const found: { action: string; fields: Map<string, string> }[] = [];
  let fields: Map<string, string> | undefined;
  let select: string | undefined;
  let textarea: { name: string; from: number } | undefined;
  for (const { name, attributes, text, start, end } of tags(html)) {
    const field = attributes.get('name');
    const value = attributes.get('value') ?? '';
    if (name === 'form') {
      fields = new Map();
      const action = attributes.get('action') ?? '';
      if (attributes.get('method')?.toLowerCase() === 'post') found.push({ action, fields });
    } else if (name === '/form') fields = undefined;
    else if (name === 'input' && field && !NOT_SENT.has(attributes.get('type')?.toLowerCase() ?? 'text')) {
      fields?.set(field, value);
    } else if (name === 'textarea' && field) textarea = { name: field, from: end };
    else if (name === '/textarea' && textarea) {
      fields?.set(textarea.name, decodeEntities(html.slice(textarea.from, start)));
      textarea = undefined;
    } else if (name === 'select') select = field;
    else if (name === '/select') select = undefined;
    else if (name === 'option' && select !== undefined && fields) {
      // The first one unless another is selected.
      if (!fields.has(select) || /\sselected\b/i.test(text)) fields.set(select, value);
    }
  }
  return found;
}
